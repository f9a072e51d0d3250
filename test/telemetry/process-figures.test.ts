import assert from 'node:assert/strict'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { createProcessFigures } from '../../src/telemetry/process-figures.ts'

describe('the figures of a process', () => {
  function create(memory?: { usedBytes: number; maxBytes: number }) {
    const figures = createProcessFigures()
    const metrics = createMetrics({
      process: {
        role: 'work',
        version: '1.2.3',
        figures,
        redis: { state: () => ({ state: 'full' }), memory: () => memory },
      },
      durationBoundsMs: [],
      onFailure: assert.fail,
    })
    const lines = async (start: string) =>
      (await metrics.render()).split('\n').filter((line) => line.startsWith(`tallyhook_${start}`))
    return { figures, lines }
  }

  it('count callbacks by what they were answered, and why', async () => {
    const { figures, lines } = create()
    figures.callback({ account: 'zeno', status: 200, ms: 3 })
    figures.callback({ account: 'zeno', status: 200, ms: 4 })
    figures.callback({ account: 'zeno', status: 401, reason: 'signature-wrong', ms: 1 })
    figures.callback({ account: 'zeno', status: 503, reason: 'redis-full', ms: 1 })
    figures.callback({ account: 'zeno', status: 500, reason: 'internal-error', ms: 1 })
    figures.callback({ status: 404, reason: 'no-such-account', ms: 0.1 })
    assert.deepEqual(await lines('callbacks_total'), [
      'tallyhook_callbacks_total{account="zeno",outcome="accepted",reason=""} 2',
      'tallyhook_callbacks_total{account="zeno",outcome="refused",reason="signature-wrong"} 1',
      'tallyhook_callbacks_total{account="zeno",outcome="unavailable",reason="redis-full"} 1',
      'tallyhook_callbacks_total{account="zeno",outcome="failed",reason="internal-error"} 1',
      'tallyhook_callbacks_total{account="unknown",outcome="refused",reason="no-such-account"} 1',
    ])
    const accepted = (await lines('callback_duration')).filter((line) => line.includes('"accepted"'))
    assert.ok(
      accepted.includes(
        'tallyhook_callback_duration_seconds_bucket{le="0.0025",account="zeno",outcome="accepted"} 0',
      ),
    )
    assert.ok(
      accepted.includes(
        'tallyhook_callback_duration_seconds_bucket{le="0.005",account="zeno",outcome="accepted"} 2',
      ),
    )
    assert.ok(
      accepted.includes('tallyhook_callback_duration_seconds_sum{account="zeno",outcome="accepted"} 0.007'),
    )
  })

  it('count receipts, jobs and streams', async () => {
    const { figures, lines } = create()
    figures.receipt({ account: 'zeno', outcome: 'applied', ageMs: 20 })
    figures.receipt({ account: 'zeno', outcome: 'not-applied', code: 'callback-not-understood', ageMs: -5 })
    figures.job({ queue: 'callbacks', outcome: 'completed', ms: 2 })
    figures.streams(1)
    figures.streams(1)
    figures.streams(-1)
    assert.deepEqual(await lines('receipts_total'), [
      'tallyhook_receipts_total{account="zeno",outcome="applied",code=""} 1',
      'tallyhook_receipts_total{account="zeno",outcome="not-applied",code="callback-not-understood"} 1',
    ])
    assert.ok((await lines('receipt_age')).includes('tallyhook_receipt_age_seconds_count{account="zeno"} 2'))
    assert.deepEqual(await lines('jobs_total'), [
      'tallyhook_jobs_total{queue="callbacks",outcome="completed"} 1',
    ])
    assert.deepEqual(await lines('event_streams'), ['tallyhook_event_streams 1'])
    assert.deepEqual(await lines('receipts_total'), await lines('receipts_total'), 'nothing adds up twice')
  })

  it('say what runs, and how it finds Redis; its memory is absent while nobody knows', async () => {
    const { lines } = create()
    assert.deepEqual(await lines('build_info'), [
      `tallyhook_build_info{version="1.2.3",node="${process.version}",role="work"} 1`,
    ])
    assert.deepEqual(await lines('redis'), [
      'tallyhook_redis_state{state="ok"} 0',
      'tallyhook_redis_state{state="full"} 1',
      'tallyhook_redis_state{state="weak"} 0',
      'tallyhook_redis_state{state="away"} 0',
    ])
    const known = create({ usedBytes: 5, maxBytes: 10 })
    assert.deepEqual(await known.lines('redis_memory'), [
      'tallyhook_redis_memory_used_bytes 5',
      'tallyhook_redis_memory_max_bytes 10',
    ])
  })

  it('stand alone where nothing that is shared is read', async () => {
    const { lines } = create()
    assert.deepEqual(await lines('figures_complete'), [])
  })
})
