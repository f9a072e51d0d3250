import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import request from 'supertest'
import { findBoardAccess } from '../../../src/http/ops/board-routes.ts'
import { createOpsWorld, type OpsWorld, planted } from '../../support/ops.ts'
import { until } from '../../support/until.ts'

/** Bull Board's own table, so that a route which a later version brings is met here. */
const { appRoutes } = createRequire(import.meta.url)('@bull-board/api/dist/routes.js') as {
  appRoutes: {
    entryPoint: { method: string; route: string[] }
    api: { method: string | string[]; route: string | string[] }[]
  }
}

const routes = [...appRoutes.api, appRoutes.entryPoint].flatMap(({ method, route }) =>
  [method].flat().flatMap((one) => [route].flat().map((path) => ({ method: one.toUpperCase(), path }))),
)

const readable = new Set([
  'GET /',
  'GET /queue/:queueName',
  'GET /queue/:queueName/:jobId',
  'GET /api/redis/stats',
  'GET /api/queues',
  'GET /api/job-schedulers',
  'GET /api/queues/:queueName/metrics',
  'GET /api/queues/:queueName/default-job-options',
  'GET /api/queues/:queueName/workers',
  'GET /api/queues/:queueName/rate-limit',
  'GET /api/queues/:queueName/job-data-schema',
  'GET /api/queues/:queueName/:jobId/logs',
  'GET /api/queues/:queueName/:jobId/flow',
  'GET /api/queues/:queueName/:jobId',
])
const retryable = new Set([
  'PUT /api/queues/:queueName/:jobId/retry',
  'PUT /api/queues/:queueName/retry/:queueStatus',
])

describe('Bull Board', () => {
  let world: OpsWorld
  let failed: string[]

  beforeEach(async () => {
    world = await createOpsWorld()
    failed = await world.addFailed(3)
  })
  afterEach(() => world.stop())

  const fill = (path: string, jobId = failed[0] ?? '') =>
    path
      .replace(':queueName', 'callbacks')
      .replace(':jobId', jobId)
      .replace(':queueStatus', 'failed')
      .replace(':schedulerId', 'scheduler')

  function call(method: string, path: string, token = 'operator-token', body: object = {}) {
    const verb = method.toLowerCase() as 'get' | 'put' | 'post' | 'patch'
    const sent = request(world.app)[verb](`/ops/queues${path}`).set('authorization', `Bearer ${token}`)
    return verb === 'get' ? sent : sent.send(body)
  }

  const failedIds = async () => (await world.queue.getFailed()).map(({ id }) => id ?? '').sort()

  it('has the routes that this test knows, and no others', () => {
    const known = routes.map(({ method, path }) => `${method} ${path}`)
    for (const route of [...readable, ...retryable]) assert.ok(known.includes(route), `${route} is gone`)
    assert.ok(routes.length > 30)
  })

  for (const { method, path } of routes) {
    const route = `${method} ${path}`
    if (readable.has(route)) {
      it(`lets a viewer read ${route}, masked`, async () => {
        const response = await call(method, fill(path), 'viewer-token')
        assert.ok(
          response.status === 200 || response.status === 204 || response.status === 404,
          `${response.status}`,
        )
        assert.notEqual(response.body.code, 'not-allowed-here')
        assert.ok(!response.text.includes(planted))
      })
    } else if (retryable.has(route)) {
      it(`lets an operator and no viewer use ${route}`, async () => {
        assert.equal((await call(method, fill(path), 'viewer-token')).body.code, 'missing-scope')
        assert.deepEqual(await failedIds(), [...failed].sort())
        world.mend()
        assert.ok((await call(method, fill(path))).status < 300)
        await until('the replay', () => world.applied.includes(failed[0] ?? ''))
      })
    } else {
      it(`refuses ${route} to everyone, and the receipts stay`, async () => {
        for (const token of ['operator-token', 'viewer-token']) {
          const response = await call(method, fill(path), token, {
            name: 'x',
            data: {},
            options: {},
            force: true,
          })
          assert.equal(response.status, 403)
          assert.equal(response.body.code, 'not-allowed-here')
        }
        assert.deepEqual(await failedIds(), [...failed].sort())
        assert.equal(await world.queue.isPaused(), false)
      })
    }
  }

  it('begins a replay by its buttons: for one job, and for all that failed', async () => {
    const [one = '', ...others] = failed
    const answer = await call('PUT', `/api/queues/callbacks/${one}/retry`)
    assert.equal(answer.status, 204)
    const [replay] = await world.callbackReplays.list()
    assert.deepEqual([replay?.by, replay?.count, replay?.query.ids], ['operator', 1, [one]])
    await until('the end', async () => (await world.callbackReplays.list())[0]?.state === 'done')
    assert.deepEqual(await failedIds(), [...failed].sort(), 'what fails again stays')
    assert.match((await world.queue.getJobLogs(one)).logs.join(), /failed again: callback-not-understood/)

    world.mend()
    const all = await call('PUT', '/api/queues/callbacks/retry/failed')
    assert.deepEqual([all.status, all.body], [200, { retried: 3, skipped: 0 }])
    await until('the end', async () => (await failedIds()).length === 0)
    assert.deepEqual(world.applied, [one, ...others], 'in the order in which they came')
    const gone = await call('PUT', `/api/queues/callbacks/${one}/retry`)
    assert.equal(gone.status, 400)
    assert.equal(gone.body.error.key, 'ERRORS.JOB_NOT_RETRIABLE')
  })

  it('refuses the tricks that lead past a list: another spelling, another verb, a job named like an action', async () => {
    const job = failed[0] ?? ''
    const tricks: [string, string][] = [
      ['PUT', '/api/queues/callbacks/clean/retry'],
      ['PUT', '/api/queues/callbacks/retry/completed'],
      ['PUT', '/API/queues/callbacks/empty'],
      ['PUT', '/api/queues/callbacks/empty/'],
      ['PUT', `/api/queues/callbacks/${job}%2Fclean`],
      ['PUT', `/api/queues/callbacks/${job}/clean%3F/retry`],
      ['PUT', `/api/queues/other/${job}/retry`],
      ['PUT', '//api/queues/callbacks/obliterate'],
      ['PUT', `/api/queues/callbacks/${job}/../obliterate`],
      ['POST', `/api/queues/callbacks/${job}/retry`],
      ['PATCH', `/api/queues/callbacks/${job}/retry`],
      ['GET', '/static/../../package.json'],
      ['GET', '/static/%2e%2e/index.ejs'],
    ]
    for (const [method, path] of tricks) {
      const response = await call(method, path)
      assert.ok([403, 404].includes(response.status), `${method} ${path}: ${response.status}`)
    }
    const masked = await request(world.app)
      .post(`/ops/queues/api/queues/callbacks/${job}/retry`)
      .set('authorization', 'Bearer operator-token')
      .set('x-http-method-override', 'PUT')
    assert.equal(masked.status, 403)
    assert.deepEqual(await failedIds(), [...failed].sort())
  })

  it('shows an operator what a failed job is and why it failed', async () => {
    const response = await call(
      'GET',
      '/api/queues?activeQueue=callbacks&status=failed&page=1&jobsPerPage=10',
      'viewer-token',
    )
    const job = response.body.queues[0].jobs.find(({ id }: { id: string }) => id === failed[0])
    assert.equal(job.failedReason, 'callback-not-understood: The status "x" is not known.')
    assert.deepEqual(job.stacktrace, [job.failedReason], 'our sentence, and nothing before it')
    assert.equal(job.data.receipts[0].id, failed[0])
    assert.match(job.data.receipts[0].body, /^sealed, \d+ characters$/)
    assert.ok(!response.text.includes(planted))
  })

  it('serves its page without a link to another host', async () => {
    const response = await call('GET', '/')
    assert.equal(response.status, 200)
    assert.ok(!/(?:href|src)="(?:https?:)?\/\//i.test(response.text))
    const asset = /src="(static\/[^"]+)"/.exec(response.text)?.[1] ?? ''
    assert.equal((await call('GET', `/${asset}`)).status, 200)
  })

  it('knows a read by its verb', () => {
    assert.equal(findBoardAccess('HEAD', '/api/queues', ['callbacks']), 'read')
    assert.equal(findBoardAccess('DELETE', '/api/queues', ['callbacks']), undefined)
  })
})
