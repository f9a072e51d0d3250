/** What a campaign against the deliveries has come to, as it is shown. */
import type { DeliverVerdict } from './deliver-verdict.ts'

export interface DeliverReport extends DeliverVerdict {
  kills: number
  seconds: number
}

/** Where one thing is wrong, thousands may be. */
const shownMax = 20

export function describeDeliverReport({
  events,
  kills,
  seconds,
  subscribers,
  faults,
}: DeliverReport): string {
  const rows = subscribers.map(
    ({ name, taken, repeats, refused, missing, early }) =>
      `| ${name} | ${taken} | ${repeats} | ${refused} | ${early.length} | ${missing.length} |`,
  )
  const sum = (of: (one: DeliverReport['subscribers'][number]) => number) =>
    subscribers.reduce((total, one) => total + of(one), 0)
  return [
    '| subscriber | taken | repeats | not taken at first | out of order | missing |',
    '|---|---:|---:|---:|---:|---:|',
    ...rows,
    '',
    ...faults.slice(0, shownMax),
    `${events} events to ${subscribers.length} subscribers in ${Math.round(seconds)} s, ${kills} kills, ` +
      `${sum((one) => one.repeats)} repeats, ${sum((one) => one.early.length)} out of order, ` +
      `${sum((one) => one.missing.length)} missing, ${faults.length} other faults`,
  ].join('\n')
}
