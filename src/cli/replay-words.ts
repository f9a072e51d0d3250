/** How the command tells a plan and how far a replay has come, in the terminal. */
import type { CallbackReplay, IntentChange, OutcomeCounts, ReplayPlan } from '../domain/callback-replay.ts'

const intentsTold = 20

export function tellPlan(plan: ReplayPlan): string {
  const { callbacks, more, outcomes, changes, value, events, failures, intents } = plan
  if (callbacks === 0) return 'Nothing matches.\n'
  const worth = value.map((sum) => `${sum.value} ${sum.currency}`).join(', ')
  const lines = [
    `${callbacks} callbacks: ${tellOutcomes(outcomes)}`,
    ...(more ? ['There are more than one replay takes: do another after it.'] : []),
    changes === 0 ? 'Nothing would change.' : `${changes} would change${worth && `, worth ${worth}`}:`,
    ...intents.slice(0, intentsTold).map(tellChange),
    ...(changes > intentsTold ? [`  … and ${changes - intentsTold} more; --json names a hundred`] : []),
    ...tellAll(
      'Events:',
      Object.entries(events).map(([type, count]) => `${count}  ${type}`),
    ),
    ...tellAll(
      'Would fail again:',
      failures.map(({ code, reason, count, first }) => `${count}  ${code}: ${reason} (the first: ${first})`),
    ),
  ]
  return `${lines.join('\n')}\n`
}

export function tellProgress({ done, count, outcomes }: CallbackReplay): string {
  return `${done} of ${count}: ${tellOutcomes(outcomes)}\n`
}

export function tellReplay(replay: CallbackReplay): string {
  return `${replay.id}  ${replay.state}  ${replay.by}: ${replay.reason}  ${tellProgress(replay)}`
}

function tellOutcomes(outcomes: OutcomeCounts): string {
  const told = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`)
  return told.length > 0 ? told.join(', ') : 'none yet'
}

function tellChange({ kind, account, reference, from, to }: IntentChange): string {
  const tell = ({ state, held }: { state: string; held: boolean }) => (held ? `${state} (held)` : state)
  return `  ${kind} ${account} ${reference}: ${from ? tell(from) : 'new'} → ${tell(to)}`
}

function tellAll(head: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? [head, ...lines.map((line) => `  ${line}`)] : []
}
