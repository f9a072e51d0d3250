/** What this process did itself: each adds up its own, and a monitor adds up the processes. Noting something costs no command. */
import { Gauge, type Registry } from 'prom-client'
import { showCounter, showDurations } from './counted.ts'
import { createDurations, createTally } from './tally.ts'

/** The providers' patience is among them: 1.5 seconds of Zenospay's budget, 4 of the others'. */
export const callbackBoundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 1_500, 2_500, 4_000, 8_000]
/** Within 15 seconds is what a restart is held to. */
export const receiptBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 15_000, 60_000, 600_000]
export const jobBoundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 15_000]

/** `unavailable`: the provider is to come again. `failed` is a fault of ours. */
export type CallbackOutcome = 'accepted' | 'refused' | 'unavailable' | 'failed'
export type JobOutcome = 'completed' | 'retried' | 'put-back' | 'failed'

export interface ProcessFigures {
  /** `account` is one of the configuration or missing; whatever else was typed is no label. */
  callback(seen: { account?: string | undefined; status: number; reason?: string; ms: number }): void
  /** What became of a receipt, and how long after it came; of one that was not applied, the code. */
  receipt(seen: { account: string; outcome: string; code?: string; ageMs: number }): void
  job(seen: { queue: string; outcome: JobOutcome; ms: number }): void
  streams(change: 1 | -1): void
  /** Shows them there. */
  show(registry: Registry): void
}

export function createProcessFigures(): ProcessFigures {
  const callbacks = createTally(['account', 'outcome', 'reason'])
  const callbackTimes = createDurations(['account', 'outcome'], callbackBoundsMs)
  const receipts = createTally(['account', 'outcome', 'code'])
  const receiptAges = createDurations(['account'], receiptBoundsMs)
  const jobs = createTally(['queue', 'outcome'])
  const jobTimes = createDurations(['queue'], jobBoundsMs)
  let streams = 0

  return {
    callback({ account = 'unknown', status, reason = '', ms }) {
      const outcome = outcomeOf(status)
      callbacks.add(account, outcome, reason)
      callbackTimes.add(ms, account, outcome)
    },
    receipt({ account, outcome, code = '', ageMs }) {
      receipts.add(account, outcome, code)
      receiptAges.add(Math.max(0, ageMs), account)
    },
    job({ queue, outcome, ms }) {
      jobs.add(queue, outcome)
      jobTimes.add(ms, queue)
    },
    streams(change) {
      streams += change
    },
    show(registry) {
      showCounter(registry, described.callbacks, callbacks.read)
      showDurations(registry, described.callbackTimes, callbackTimes.read)
      showCounter(registry, described.receipts, receipts.read)
      showDurations(registry, described.receiptAges, receiptAges.read)
      showCounter(registry, described.jobs, jobs.read)
      showDurations(registry, described.jobTimes, jobTimes.read)
      new Gauge({
        name: 'tallyhook_event_streams',
        help: 'Streams of events that this process has open.',
        registers: [registry],
        collect() {
          this.set(streams)
        },
      })
    },
  }
}

const described = {
  callbacks: {
    name: 'tallyhook_callbacks_total',
    help: 'Callbacks that this process answered: accepted, refused, unavailable (503) or failed, and why.',
    labelNames: ['account', 'outcome', 'reason'],
  },
  callbackTimes: {
    name: 'tallyhook_callback_duration_seconds',
    help: 'From the end of the headers of a callback to its answer.',
    boundsMs: callbackBoundsMs,
  },
  receipts: {
    name: 'tallyhook_receipts_total',
    help: 'Receipts that this process reconciled, answers of providers among them, by what became of each.',
    labelNames: ['account', 'outcome', 'code'],
  },
  receiptAges: {
    name: 'tallyhook_receipt_age_seconds',
    help: 'From when a receipt came until this process was done with it.',
    boundsMs: receiptBoundsMs,
  },
  jobs: {
    name: 'tallyhook_jobs_total',
    help: 'Runs of jobs in this process, by how they ended.',
    labelNames: ['queue', 'outcome'],
  },
  jobTimes: {
    name: 'tallyhook_job_duration_seconds',
    help: 'How long a run of a job took.',
    boundsMs: jobBoundsMs,
  },
}

function outcomeOf(status: number): CallbackOutcome {
  if (status < 400) return 'accepted'
  if (status < 500) return 'refused'
  return status === 503 ? 'unavailable' : 'failed'
}
