import assert from 'node:assert/strict'
import { createMetrics } from '../../src/telemetry/metrics.ts'

describe('figures of the deliveries', () => {
  const create = (readSubscriptions: () => Promise<never[]>) =>
    createMetrics({ read: async () => [], readSubscriptions, durationBoundsMs: [], onFailure: () => {} })

  it('say of each subscription what became of its events, and how far it is behind', async () => {
    const one = {
      subscription: 'su-1',
      enabled: true,
      outcomes: { delivered: 7, failed: 2, skipped: 1 },
      waiting: 3,
      breaker: 'open',
      lagMs: 1_500,
    }
    const metrics = create(async () => [one as never])
    await metrics.render()
    const text = await metrics.render()
    assert.match(text, /tallyhook_deliveries_total\{subscription="su-1",outcome="delivered"\} 7\n/)
    assert.match(text, /tallyhook_deliveries_total\{subscription="su-1",outcome="failed"\} 2\n/)
    assert.match(text, /tallyhook_delivery_lag_seconds\{subscription="su-1"\} 1.5\n/)
    assert.match(text, /tallyhook_delivery_waiting\{subscription="su-1"\} 3\n/)
    assert.match(text, /tallyhook_delivery_breaker\{subscription="su-1",state="open"\} 1\n/)
    assert.match(text, /tallyhook_subscription_enabled\{subscription="su-1"\} 1\n/)
  })

  it('are absent, and not zero, where they cannot be read', async () => {
    const text = await create(async () => Promise.reject(new Error('away'))).render()
    assert.doesNotMatch(text, /tallyhook_deliveries_total\{/)
  })
})
