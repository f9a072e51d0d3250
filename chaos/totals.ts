/** What a campaign has seen so far, and how it is shown. */
import { type StrikeKind, strikeKinds } from './plan.ts'
import type { RoundReport } from './round.ts'

export interface Totals {
  rounds: number
  acknowledged: number
  queued: number
  repeats: number
  forged: number
  lost: number
  faults: number
  answers: Record<string, number>
  strikes: Partial<Record<StrikeKind, number>>
  recoveryMsMax: Partial<Record<StrikeKind, number>>
}

export const noTotals: Totals = {
  rounds: 0,
  acknowledged: 0,
  queued: 0,
  repeats: 0,
  forged: 0,
  lost: 0,
  faults: 0,
  answers: {},
  strikes: {},
  recoveryMsMax: {},
}

export function addRound(totals: Totals, report: RoundReport): Totals {
  return {
    rounds: totals.rounds + 1,
    acknowledged: totals.acknowledged + report.acknowledged,
    queued: totals.queued + report.queued,
    repeats: totals.repeats + report.repeats,
    forged: totals.forged + report.forged,
    lost: totals.lost + report.lost.length,
    faults: totals.faults + report.faults.length,
    answers: merge(totals.answers, report.answers, (a, b) => a + b),
    strikes: merge(totals.strikes, report.strikes, (a, b) => a + b),
    recoveryMsMax: merge(totals.recoveryMsMax, report.recoveryMsMax, Math.max),
  }
}

function merge(
  left: Record<string, number>,
  right: Record<string, number>,
  join: (a: number, b: number) => number,
): Record<string, number> {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()
  return Object.fromEntries(names.map((name) => [name, join(left[name] ?? 0, right[name] ?? 0)]))
}

/** A kill ends a process; a pause does not. */
export const killsOf = ({ strikes }: Pick<Totals, 'strikes'>): number =>
  strikeKinds.filter((kind) => kind !== 'pause').reduce((sum, kind) => sum + (strikes[kind] ?? 0), 0)

export function describeTotals(totals: Totals): string {
  const list = (counts: Record<string, number>, unit = '') =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}${unit}`)
      .join(', ')
  const rows: [string, string | number][] = [
    ['acknowledged', totals.acknowledged],
    ['in the queue', totals.queued],
    ['of these repeats', totals.repeats],
    ['forged, sent', totals.forged],
    ['answers', list(totals.answers)],
    ['strikes', list(totals.strikes)],
    ['longest recovery', list(totals.recoveryMsMax, ' ms')],
    ['other faults', totals.faults],
    ['lost', totals.lost],
  ]
  const lines = rows.map(([name, value]) => `| ${name} | ${value} |`)
  const last = `${totals.rounds} rounds, ${totals.acknowledged} acknowledged, ${totals.lost} lost`
  return ['| | |', '|---|---|', ...lines, '', last].join('\n')
}
