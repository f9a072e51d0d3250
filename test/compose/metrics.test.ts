/** What a monitor sees of a listener's process and of a worker's. */
import assert from 'node:assert/strict'
import { type Composed, startComposed } from '../support/composed.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { newReference, signedDisbursement, testAccount } from '../support/zenospay.ts'

describe('metrics of a running Tallyhook', () => {
  let server: RedisServerProcess
  let serve: Composed
  let work: Composed
  before(async () => {
    server = await startRedisServer()
    serve = await startComposed(server.url, { role: 'serve' })
    work = await startComposed(server.url, { role: 'work', metrics: true })
  })
  after(async () => {
    await serve?.stop()
    await work?.stop()
    await server?.stop()
  })

  const read = async (url: string) => {
    const answer = await fetch(`${url}/metrics`)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    return (await answer.text()).split('\n')
  }
  const figureOf = (lines: string[], series: string) => {
    const line = lines.find((one) => one.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length + 1))
  }
  const account = testAccount.id

  it('count a callback where it was answered, and what became of it where it was reconciled', async () => {
    const [reference = ''] = await serve.registerSome(1)
    assert.equal((await serve.callBack(reference)).status, 200)
    const early = newReference()
    assert.equal((await serve.callBack(early)).status, 200)
    const forged = signedDisbursement({ reference })
    const refused = await fetch(`${serve.callbackUrl}${testAccount.callbackPath}`, {
      method: 'POST',
      ...forged,
      body: `${forged.body} `,
    })
    assert.equal(refused.status, 401)

    const own = await read(serve.apiUrl)
    const callbacks = (outcome: string, reason: string) =>
      figureOf(own, `tallyhook_callbacks_total{account="${account}",outcome="${outcome}",reason="${reason}"}`)
    assert.equal(callbacks('accepted', ''), 2)
    assert.equal(callbacks('refused', 'signature-wrong'), 1)
    await until('the receipts', async () => {
      const lines = await read(work.metricsUrl)
      const receipts = (outcome: string) =>
        figureOf(lines, `tallyhook_receipts_total{account="${account}",outcome="${outcome}",code=""}`)
      return receipts('applied') === 1 && receipts('parked') === 1
    })
    const shared = await until('the shared figures', async () => {
      const lines = await read(serve.apiUrl)
      return figureOf(lines, `tallyhook_refusals_total{account="${account}",reason="signature-wrong"}`) === 1
        ? lines
        : undefined
    })
    assert.equal(figureOf(shared, 'tallyhook_figures_complete'), 1)
    assert.equal(figureOf(shared, `tallyhook_receipts_parked{account="${account}"}`), 1)
    assert.equal(figureOf(shared, 'tallyhook_receipts_ready'), 0)
    assert.equal(figureOf(shared, `tallyhook_quarantined{account="${account}"}`), 1)
    assert.equal(figureOf(shared, 'tallyhook_queue_jobs{queue="callbacks",state="failed"}'), 0)
    assert.equal(figureOf(shared, 'tallyhook_queue_oldest_seconds{queue="deliveries"}'), 0)
    assert.ok(shared.some((line) => line.startsWith(`tallyhook_key_uses_total{account="${account}",key=`)))
    assert.ok((figureOf(shared, 'tallyhook_redis_memory_max_bytes') ?? 0) > 0)
  })

  it('are not all that a browser asks for unasked', async () => {
    assert.equal((await fetch(`${serve.apiUrl}/favicon.ico`)).status, 204)
  })

  it('count the streams that are open', async () => {
    const gone = new AbortController()
    const { headers, apiUrl } = serve
    await fetch(`${apiUrl}/v1/events/stream`, { headers, signal: gone.signal })
    assert.equal(figureOf(await read(apiUrl), 'tallyhook_event_streams'), 1)
    gone.abort()
    await until('its end', async () => figureOf(await read(apiUrl), 'tallyhook_event_streams') === 0)
  })

  it('of a worker are its own alone, on a listener that serves nothing else and says how it does', async () => {
    const lines = await read(work.metricsUrl)
    assert.ok(lines.some((line) => line.startsWith('tallyhook_build_info{') && line.includes('role="work"')))
    assert.equal(figureOf(lines, 'tallyhook_redis_state{state="ok"}'), 1)
    assert.ok(lines.every((line) => !line.startsWith('tallyhook_queue_jobs')))
    const status = async (path: string, method = 'GET') =>
      (await fetch(`${work.metricsUrl}${path}`, { method })).status
    assert.equal(await status('/healthz'), 200)
    assert.equal(await status('/readyz?x=1'), 200)
    assert.equal(await status('/v1/transfers'), 404)
    assert.equal(await status('/metrics', 'POST'), 405)
  })

  it('are absent, and not zero, while Redis is away', async () => {
    await server.stop()
    const lines = await until('its absence', async () => {
      const some = await read(serve.apiUrl)
      return figureOf(some, 'tallyhook_redis_state{state="away"}') === 1 ? some : undefined
    })
    assert.equal(figureOf(lines, 'tallyhook_figures_complete'), 0)
    for (const name of ['receipts_ready', 'queue_jobs', 'redis_memory_used_bytes', 'cases_open'])
      assert.ok(
        lines.every((line) => !line.startsWith(`tallyhook_${name}`)),
        name,
      )
    assert.equal((await fetch(`${work.metricsUrl}/readyz`)).status, 503)
    assert.equal((await fetch(`${work.metricsUrl}/healthz`)).status, 200)
  })
})
