/**
 * What a monitor reads: this process's own figures, and those of each account. The latter are kept in Redis by all processes
 * and read when they are asked for, so that the calls of a worker, which has no listener, are seen through any process that
 * has one. Two listeners report the same figures, not each its share.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { createDeliveryFigures, type SubscriptionFigures } from './delivery-metrics.ts'

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
  read(): Promise<AccountFigures[]>
  readSubscriptions?(): Promise<SubscriptionFigures[]>
  durationBoundsMs: readonly number[]
  onFailure(error: unknown): void
}

export interface Metrics {
  contentType: string
  render(): Promise<string>
}

export function createMetrics({
  read,
  readSubscriptions,
  durationBoundsMs,
  onFailure,
}: MetricsDeps): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const figures = createFigures(registry, durationBoundsMs)
  const setDeliveries = readSubscriptions && createDeliveryFigures(registry, readSubscriptions)
  let underWay: Promise<string> | undefined

  async function render(): Promise<string> {
    try {
      figures.set(await read())
    } catch (error) {
      // The process's own figures are worth having when Redis is away; those of the accounts are absent, and not zero.
      onFailure(error)
      figures.clear()
    }
    await setDeliveries?.().catch(onFailure)
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

function createFigures(registry: Registry, boundsMs: readonly number[]) {
  const registers = [registry]
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tallyhook_${name}`, help, labelNames, registers })
  const complete = gauge('figures_complete', 'Whether the figures of the accounts could be read just now.')
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
  const durations = createDurations(registry, boundsMs)

  function clear(): void {
    for (const metric of [pending, overdue, paused, breaker, calls]) metric.reset()
    durations.set([])
    complete.set(0)
  }

  function set(all: readonly AccountFigures[]): void {
    clear()
    for (const one of all) {
      const { account } = one
      pending.set({ account }, one.pending)
      overdue.set({ account }, one.overdue)
      paused.set({ account }, one.paused ? 1 : 0)
      for (const state of breakerStates) breaker.set({ account, state }, one.breaker === state ? 1 : 0)
      for (const { call, outcome, count } of one.calls) calls.inc({ account, call, outcome }, count)
    }
    durations.set(all)
    complete.set(1)
  }

  return { set, clear }
}

/** A histogram that was counted elsewhere: the package's own can only be filled one observation at a time. */
function createDurations(registry: Registry, boundsMs: readonly number[]) {
  const name = 'tallyhook_provider_call_duration_seconds'
  const help = 'How long requests to providers took, of all processes together.'
  let all: readonly AccountFigures[] = []
  const histogram = new Histogram({ name, help, labelNames: ['account', 'call'], registers: [] })
  const describe = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: all.flatMap(({ account, durations }) =>
      durations.flatMap(({ call, counts, sumMs }) =>
        describeOne(name, { account, call }, { boundsMs, counts, sumMs }),
      ),
    ),
  })
  registry.registerMetric(Object.assign(histogram, { getForPromString: describe }))
  return {
    set(next: readonly AccountFigures[]) {
      all = next
    },
  }
}

function describeOne(
  name: string,
  labels: { account: string; call: string },
  { boundsMs, counts, sumMs }: { boundsMs: readonly number[]; counts: readonly number[]; sumMs: number },
) {
  let total = 0
  const steps = counts.map((count, index) => {
    total += count
    const bound = boundsMs[index]
    const le = bound === undefined ? '+Inf' : bound / 1000
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total }
  })
  return [
    ...steps,
    { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: total },
  ]
}
