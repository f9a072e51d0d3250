/** Of each subscription, what a monitor wants to know; kept in Redis by all processes, read when it is asked for. */
import { Counter, Gauge, type Registry } from 'prom-client'

const breakerStates = ['closed', 'half-open', 'open'] as const

export interface SubscriptionFigures {
  subscription: string
  enabled: boolean
  /** Of the run that follows the log. failed: attempts. */
  outcomes: Record<'delivered' | 'failed' | 'skipped', number>
  /** Intents whose events wait to be tried again. */
  waiting: number
  breaker: (typeof breakerStates)[number]
  /** How long the oldest event that was not delivered has been in the log. */
  lagMs: number
}

/** What it returns sets them anew; it clears them where they cannot be read. */
export function createDeliveryFigures(registry: Registry, read: () => Promise<SubscriptionFigures[]>) {
  const registers = [registry]
  const gauge = (name: string, help: string, ...more: string[]) =>
    new Gauge({ name: `tallyhook_${name}`, help, labelNames: ['subscription', ...more], registers })
  const enabled = gauge('subscription_enabled', 'Whether events are pushed to it.')
  const waiting = gauge('delivery_waiting', 'Intents whose events wait to be tried again.')
  const lag = gauge('delivery_lag_seconds', 'How long the oldest event that was not delivered has waited.')
  const breaker = gauge('delivery_breaker', 'One for the state of the breaker, zero for the others.', 'state')
  const outcomes = new Counter({
    name: 'tallyhook_deliveries_total',
    help: 'What became of events, and attempts that failed, of all processes together.',
    labelNames: ['subscription', 'outcome'],
    registers,
  })
  const all = [enabled, waiting, lag, breaker, outcomes]

  return async () => {
    const figures = await read().finally(() => {
      for (const metric of all) metric.reset()
    })
    for (const one of figures) {
      const { subscription } = one
      enabled.set({ subscription }, one.enabled ? 1 : 0)
      waiting.set({ subscription }, one.waiting)
      lag.set({ subscription }, one.lagMs / 1000)
      for (const state of breakerStates) breaker.set({ subscription, state }, one.breaker === state ? 1 : 0)
      for (const [outcome, count] of Object.entries(one.outcomes))
        outcomes.inc({ subscription, outcome }, count)
    }
  }
}
