/** What one look has found. */
export interface Finding {
  /** What was looked at, as `redis` or `account zeno-main`. */
  about: string
  /** warning: it works, and something is to be known. fault: it does not work, or not safely. */
  outcome: 'ok' | 'warning' | 'fault'
  says: string
  /** What to do about it. */
  mend?: string
}

export const ok = (about: string, says: string): Finding => ({ about, outcome: 'ok', says })
export const warning = (about: string, says: string, mend: string): Finding => ({
  about,
  outcome: 'warning',
  says,
  mend,
})
export const fault = (about: string, says: string, mend: string): Finding => ({
  about,
  outcome: 'fault',
  says,
  mend,
})
