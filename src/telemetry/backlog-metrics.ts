/** What waits, for a worker, for a person or for something to come; and what the keys of each account do. Read when it is asked for. */
import { Counter, Gauge, type Registry } from 'prom-client'

interface Use {
  name: string
  count: number
  lastAt: number
}

export interface BacklogFigures {
  queues: { queue: string; jobs: Record<string, number>; oldestMs: number }[]
  parked: { account: string; count: number }[]
  ready: number
  quarantined: { account: string; count: number }[]
  casesOpen: { account: string; kind: string; count: number }[]
  /** By which key its callbacks were verified, and why they were refused. */
  traffic: { account: string; keys: readonly Use[]; refusals: readonly Use[] }[]
}

/** What it returns sets them anew; it clears them where they cannot be read. */
export function createBacklogFigures(registry: Registry, read: () => Promise<BacklogFigures>) {
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tallyhook_${name}`, help, labelNames, registers })
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `tallyhook_${name}`, help, labelNames, registers })
  const jobs = gauge('queue_jobs', 'Jobs on the queue, by state.', 'queue', 'state')
  const oldest = gauge('queue_oldest_seconds', 'How long the job that is next has waited.', 'queue')
  const parked = gauge(
    'receipts_parked',
    'Callbacks that wait for what they are about to be registered.',
    'account',
  )
  const ready = gauge('receipts_ready', 'Callbacks whose wait has ended and that are not queued yet.')
  const quarantined = gauge('quarantined', 'Refused callbacks that are kept.', 'account')
  const cases = gauge('cases_open', 'Cases that wait for a person.', 'account', 'kind')
  const uses = counter('key_uses_total', 'Callbacks that a key verified.', 'account', 'key')
  const lastUse = gauge('key_last_use_timestamp_seconds', 'When it last did.', 'account', 'key')
  const refusals = counter(
    'refusals_total',
    'Callbacks refused, of all processes together.',
    'account',
    'reason',
  )
  const all = [jobs, oldest, parked, ready, quarantined, cases, uses, lastUse, refusals]

  return async () => {
    const figures = await read().finally(() => {
      for (const metric of all) metric.reset()
      // One without labels would be zero, and not absent.
      ready.remove()
    })
    for (const { queue, jobs: counts, oldestMs } of figures.queues) {
      for (const [state, count] of Object.entries(counts)) jobs.set({ queue, state }, count)
      oldest.set({ queue }, oldestMs / 1000)
    }
    for (const { account, count } of figures.parked) parked.set({ account }, count)
    ready.set(figures.ready)
    for (const { account, count } of figures.quarantined) quarantined.set({ account }, count)
    for (const { account, kind, count } of figures.casesOpen) cases.set({ account, kind }, count)
    for (const one of figures.traffic) {
      const { account } = one
      for (const { name: key, count, lastAt } of one.keys) {
        uses.inc({ account, key }, count)
        lastUse.set({ account, key }, lastAt / 1000)
      }
      for (const { name: reason, count } of one.refusals) refusals.inc({ account, reason }, count)
    }
  }
}
