/**
 * What a monitor reads: this process's own figures, and those that all processes share. The latter are kept in Redis and read
 * when they are asked for: every listener of the API reports the same, not its share.
 */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type BacklogFigures, createBacklogFigures } from './backlog-metrics.ts'
import { type CountedDurations, showDurations } from './counted.ts'
import { createDeliveryFigures, type SubscriptionFigures } from './delivery-metrics.ts'
import { type ProcessDeps, showProcess } from './process-metrics.ts'

export const breakerStates = ['closed', 'half-open', 'open'] as const

export interface AccountFigures {
  account: string
  pending: number
  overdue: number
  paused: boolean
  breaker: (typeof breakerStates)[number]
  calls: { call: string; outcome: string; count: number }[]
  /** By upper bound; one more count than there are bounds. Each call is in one of them. */
  durations: { call: string; counts: readonly number[]; sumMs: number }[]
}

export interface MetricsDeps {
  /** What all processes share is shown by those that have the readers for it. */
  read?(): Promise<AccountFigures[]>
  readSubscriptions?(): Promise<SubscriptionFigures[]>
  readBacklog?(): Promise<BacklogFigures>
  process?: ProcessDeps
  durationBoundsMs: readonly number[]
  onFailure(error: unknown): void
}

export interface Metrics {
  contentType: string
  render(): Promise<string>
}

export function createMetrics(deps: MetricsDeps): Metrics {
  const { read, readSubscriptions, readBacklog, onFailure } = deps
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  if (deps.process) showProcess(registry, deps.process)
  const complete = read || readSubscriptions || readBacklog ? createComplete(registry) : undefined
  const shared = [
    ...(read ? [createAccountFigures(registry, read, deps.durationBoundsMs)] : []),
    ...(readSubscriptions ? [createDeliveryFigures(registry, readSubscriptions)] : []),
    ...(readBacklog ? [createBacklogFigures(registry, readBacklog)] : []),
  ]
  let underWay: Promise<string> | undefined

  /** The process's own figures are worth having when Redis is away; what cannot be read is absent, and not zero. */
  async function render(): Promise<string> {
    const failures = (await Promise.allSettled(shared.map((set) => set()))).filter(
      (one) => one.status === 'rejected',
    )
    if (failures[0]) onFailure(failures[0].reason)
    complete?.set(failures.length === 0 ? 1 : 0)
    return registry.metrics()
  }

  return {
    contentType: registry.contentType,
    // Whoever asks meanwhile shares the answer: the figures are set anew for each.
    render() {
      underWay ??= render().finally(() => {
        underWay = undefined
      })
      return underWay
    },
  }
}

function createComplete(registry: Registry): Gauge {
  return new Gauge({
    name: 'tallyhook_figures_complete',
    help: 'Whether the figures that all processes share could be read just now.',
    registers: [registry],
  })
}

/** What it returns sets them anew; it clears them where they cannot be read. */
function createAccountFigures(
  registry: Registry,
  read: () => Promise<AccountFigures[]>,
  boundsMs: readonly number[],
) {
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tallyhook_${name}`, help, labelNames, registers })
  const pending = gauge('pending', 'Transfers, batches and coupons that are not settled yet.', 'account')
  const overdue = gauge('overdue', 'Those of them that take longer than the account allows.', 'account')
  const paused = gauge('submissions_paused', 'Whether nothing is sent for the account.', 'account')
  const breaker = gauge(
    'provider_breaker',
    'One for the state of the breaker, zero for the others.',
    'account',
    'state',
  )
  const calls = new Counter({
    name: 'tallyhook_provider_calls_total',
    help: 'Requests to providers, of all processes together, by what came of them.',
    labelNames: ['account', 'call', 'outcome'],
    registers,
  })
  let durations: CountedDurations[] = []
  const described = {
    name: 'tallyhook_provider_call_duration_seconds',
    help: 'How long requests to providers took, of all processes together.',
    boundsMs,
  }
  showDurations(registry, described, () => durations)

  return async () => {
    const figures = await read().finally(() => {
      for (const metric of [pending, overdue, paused, breaker, calls]) metric.reset()
      durations = []
    })
    for (const one of figures) {
      const { account } = one
      pending.set({ account }, one.pending)
      overdue.set({ account }, one.overdue)
      paused.set({ account }, one.paused ? 1 : 0)
      for (const state of breakerStates) breaker.set({ account, state }, one.breaker === state ? 1 : 0)
      for (const { call, outcome, count } of one.calls) calls.inc({ account, call, outcome }, count)
    }
    durations = figures.flatMap(({ account, durations }) =>
      durations.map(({ call, counts, sumMs }) => ({ labels: { account, call }, counts, sumMs })),
    )
  }
}
