import assert from 'node:assert/strict'
import { type AccountFigures, createMetrics } from '../../src/telemetry/metrics.ts'

const figures: AccountFigures = {
  account: 'zeno',
  pending: 12,
  overdue: 3,
  paused: true,
  breaker: 'half-open',
  calls: [
    { call: 'pay', outcome: '2xx', count: 5 },
    { call: 'pay', outcome: 'unknown', count: 1 },
  ],
  durations: [{ call: 'pay', counts: [1, 4, 1], sumMs: 2_500 }],
}

describe('metrics', () => {
  function create(read: () => Promise<AccountFigures[]>) {
    const failures: unknown[] = []
    const durationBoundsMs = [50, 1_000]
    const metrics = createMetrics({ read, durationBoundsMs, onFailure: (error) => failures.push(error) })
    const lines = async () =>
      (await metrics.render()).split('\n').filter((line) => line.startsWith('tallyhook_'))
    return { metrics, lines, failures }
  }

  it('say what each account does, in the form that Prometheus reads', async () => {
    const { lines, metrics } = create(async () => [figures])
    assert.deepEqual(await lines(), [
      'tallyhook_figures_complete 1',
      'tallyhook_pending{account="zeno"} 12',
      'tallyhook_overdue{account="zeno"} 3',
      'tallyhook_submissions_paused{account="zeno"} 1',
      'tallyhook_provider_breaker{account="zeno",state="closed"} 0',
      'tallyhook_provider_breaker{account="zeno",state="half-open"} 1',
      'tallyhook_provider_breaker{account="zeno",state="open"} 0',
      'tallyhook_provider_calls_total{account="zeno",call="pay",outcome="2xx"} 5',
      'tallyhook_provider_calls_total{account="zeno",call="pay",outcome="unknown"} 1',
      'tallyhook_provider_call_duration_seconds_bucket{le="0.05",account="zeno",call="pay"} 1',
      'tallyhook_provider_call_duration_seconds_bucket{le="1",account="zeno",call="pay"} 5',
      'tallyhook_provider_call_duration_seconds_bucket{le="+Inf",account="zeno",call="pay"} 6',
      'tallyhook_provider_call_duration_seconds_sum{account="zeno",call="pay"} 2.5',
      'tallyhook_provider_call_duration_seconds_count{account="zeno",call="pay"} 6',
    ])
    assert.match(await metrics.render(), /# TYPE tallyhook_provider_call_duration_seconds histogram/)
    assert.match(await metrics.render(), /^nodejs_eventloop_lag_seconds /m)
    assert.match(metrics.contentType, /^text\/plain/)
  })

  it('are those of the moment: nothing adds up from one reading to the next', async () => {
    let all = [figures]
    const { lines } = create(async () => all)
    const first = await lines()
    assert.deepEqual(await lines(), first)
    all = [{ ...figures, account: 'other', calls: [], durations: [] }]
    assert.ok((await lines()).every((line) => !line.includes('zeno')))
  })

  it('leave the accounts out when they cannot be read, and say so', async () => {
    let away = false
    const { lines, metrics, failures } = create(async () => {
      if (away) throw new Error('away')
      return [figures]
    })
    await lines()
    away = true
    assert.deepEqual(await lines(), ['tallyhook_figures_complete 0'])
    assert.match(await metrics.render(), /^process_cpu_seconds_total /m)
    assert.equal(failures.length, 2)
  })

  it('are read once for all who ask at the same moment', async () => {
    let readings = 0
    const { metrics } = create(async () => {
      readings++
      return [figures]
    })
    const answers = await Promise.all([metrics.render(), metrics.render(), metrics.render()])
    assert.equal(readings, 1)
    assert.equal(new Set(answers).size, 1)
  })
})
