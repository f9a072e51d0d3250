import assert from 'node:assert/strict'
import request from 'supertest'
import { createOpsWorld, type OpsWorld } from '../../support/ops.ts'

describe('what is done on the operators’ pages is on record', () => {
  let world: OpsWorld
  beforeEach(async () => {
    world = await createOpsWorld()
  })
  afterEach(() => world.stop())

  const post = (path: string) =>
    request(world.app).post(path).set('sec-fetch-site', 'same-origin').type('form')
  const cookieOf = ({ headers }: { headers: Record<string, unknown> }) =>
    String((headers['set-cookie'] as string[] | undefined)?.[0] ?? '').split(';')[0] ?? ''

  async function recorded() {
    return (await world.audited())
      .map(({ who, via, action, outcome, code }) => [who, via, action, outcome, code])
      .reverse()
  }

  it('who came in, who was refused, who left', async () => {
    await post('/ops/sign-in').send({ token: 'wrong-planted' })
    await post('/ops/sign-in').send({ token: 'ledger-token' })
    const cookie = cookieOf(await post('/ops/sign-in').send({ token: 'operator-token' }))
    const page = await request(world.app).get('/ops/sign-out').set('cookie', cookie)
    const token = /name="form-token" value="([^"]+)"/.exec(page.text)?.[1]
    await post('/ops/sign-out').set('cookie', cookie).send({ 'form-token': token })
    assert.deepEqual(await recorded(), [
      ['unknown', 'token', 'session.begin', 'refused', 'unauthenticated'],
      ['ledger', 'token', 'session.begin', 'refused', 'missing-scope'],
      ['operator', 'token', 'session.begin', 'done', undefined],
      ['operator', 'token', 'session.end', 'done', undefined],
    ])
    assert.ok(!JSON.stringify(await world.audited()).includes('planted'))
  })

  it('a retry by an operator, a viewer’s attempt, and what another site sent', async () => {
    const [job] = await world.addFailed(1)
    const retry = (token: string) =>
      request(world.app)
        .put(`/ops/queues/api/queues/callbacks/${job}/retry`)
        .set('authorization', `Bearer ${token}`)
    assert.equal((await retry('viewer-token')).status, 403)
    world.mend()
    assert.ok((await retry('operator-token')).status < 300)
    const cookie = cookieOf(await post('/ops/sign-in').send({ token: 'operator-token' }))
    await request(world.app)
      .put('/ops/queues/api/queues/callbacks/retry/failed')
      .set('cookie', cookie)
      .set('sec-fetch-site', 'cross-site')
    await request(world.app)
      .put('/ops/queues/api/queues/callbacks/obliterate')
      .set('authorization', 'Bearer operator-token')
    const entries = (await recorded()).filter(([, , action]) => action !== 'session.begin')
    assert.deepEqual(entries, [
      ['viewer', 'token', 'job.retry', 'refused', 'missing-scope'],
      ['operator', 'token', 'job.retry', 'done', undefined],
      ['operator', 'token', 'jobs.retry', 'refused', 'cross-site-request'],
      ['operator', 'token', 'queue.change', 'refused', 'not-allowed-here'],
    ])
    const [done] = (await world.audited()).filter(
      ({ outcome, action }) => outcome === 'done' && action === 'job.retry',
    )
    assert.equal(done?.target, `callbacks/${job}`)
  })
})
