/** RFC 3339 with an offset, as providers write it: `2025-01-10T00:54:42+07:00`, `2025-01-01T00:00:00.000000Z`. */
const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** Milliseconds since the epoch; digits beyond them are dropped. Undefined where it is no such time. */
export function parseTime(text: string): number | undefined {
  if (!pattern.test(text)) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) return undefined
  return isRealDay(text) ? ms : undefined
}

let formatted = { ms: 0, text: new Date(0).toISOString() }

/** Of an event and its record it is nearly always the same moment, two or three times in a row. */
export function formatTime(ms: number): string {
  if (formatted.ms !== ms) formatted = { ms, text: new Date(ms).toISOString() }
  return formatted.text
}

/** Date.parse rolls 31 February over to March. A date that no calendar has is a mistake of its writer, not a March day. */
function isRealDay(text: string): boolean {
  // Every month has these.
  if (Number(text.slice(8, 10)) <= 28) return true
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}
