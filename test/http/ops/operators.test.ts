import assert from 'node:assert/strict'
import request from 'supertest'
import { createOpsWorld, type OpsWorld } from '../../support/ops.ts'

const password = 'a long enough secret'

describe('operators sign in by name and password', () => {
  let world: OpsWorld
  beforeEach(async () => {
    world = await createOpsWorld()
    await world.addOperator('mona', 'viewer', password)
    await world.addOperator('omar', 'operator', password)
  })
  afterEach(() => world.stop())

  const signIn = (name: string, given = password) =>
    request(world.app)
      .post('/ops/sign-in')
      .set('sec-fetch-site', 'same-origin')
      .type('form')
      .send({ name, password: given })
  const cookieOf = ({ headers }: { headers: Record<string, unknown> }) =>
    String((headers['set-cookie'] as string[] | undefined)?.[0] ?? '').split(';')[0] ?? ''
  const board = (cookie: string) => request(world.app).get('/ops/queues/api/queues').set('cookie', cookie)
  const retry = (cookie: string) =>
    request(world.app)
      .put('/ops/queues/api/queues/callbacks/retry/failed')
      .set('cookie', cookie)
      .set('sec-fetch-site', 'same-origin')

  it('and may do what their role allows', async () => {
    const page = await request(world.app).get('/ops/sign-in')
    assert.match(page.text, /id="name"[^>]*autofocus/)
    const viewer = await signIn('mona')
    assert.equal(viewer.status, 303)
    assert.equal((await board(cookieOf(viewer))).status, 200)
    assert.equal((await retry(cookieOf(viewer))).body.code, 'missing-scope')
    assert.equal((await retry(cookieOf(await signIn(' OMAR ')))).status, 200)
    const entries = (await world.audited()).map(({ who, via, action, outcome }) => [
      who,
      via,
      action,
      outcome,
    ])
    assert.deepEqual(entries.reverse(), [
      ['mona', 'operator', 'session.begin', 'done'],
      ['mona', 'operator', 'jobs.retry', 'refused'],
      ['omar', 'operator', 'session.begin', 'done'],
      ['omar', 'operator', 'jobs.retry', 'done'],
    ])
  })

  it('nobody learns which names there are', async () => {
    const [wrong, unknown] = [await signIn('mona', 'planted-wrong'), await signIn('nobody', 'planted-wrong')]
    for (const { status, text, headers } of [wrong, unknown]) {
      assert.equal(status, 401)
      assert.match(text, /Name or password is not right\./)
      assert.equal(headers['set-cookie'], undefined)
    }
    assert.equal((await signIn('', password)).status, 401)
    assert.ok(!JSON.stringify([await world.audited(), world.logger.lines]).includes('planted'))
  })

  it('the door closes after five failures in a row, of a name that there is or not', async () => {
    for (const name of ['mona', 'nobody']) {
      for (let i = 0; i < 5; i++) assert.equal((await signIn(name, 'wrong')).status, 401)
      const closed = await signIn(name)
      assert.equal(closed.status, 429)
      assert.ok(Number(closed.headers['retry-after']) > 0)
    }
    assert.equal((await signIn('omar')).status, 303)
    await world.failures.forget('mona')
    assert.equal((await signIn('mona')).status, 303)
  })

  it('many guesses at the same moment get no more tries', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => signIn('mona', 'wrong')))
    assert.equal(answers.filter(({ status }) => status === 401).length, 5)
    assert.equal(answers.filter(({ status }) => status === 429).length, 7)
  })

  it('a success makes up for the failures before it', async () => {
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) assert.equal((await signIn('mona', 'wrong')).status, 401)
      assert.equal((await signIn('mona')).status, 303)
    }
  })

  it('a source that tries many names is stopped as well', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 25; i++) statuses.push((await signIn(`name-${i}`, 'wrong')).status)
    assert.deepEqual([statuses[19], statuses[20]], [401, 429])
  })

  for (const [what, change] of [
    ['removed', { removed: true }],
    ['disabled', { disabled: true }],
    ['given another password', { password: 'x' }],
    ['given another role', { role: 'viewer' as const }],
  ] as const) {
    it(`whoever is ${what} is signed out`, async () => {
      const cookie = cookieOf(await signIn('omar'))
      assert.equal((await board(cookie)).status, 200)
      if ('removed' in change) await world.operators.remove('omar')
      else await world.operators.change('omar', change)
      assert.equal((await board(cookie)).status, 401)
    })
  }

  it('a session that nobody uses ends after an hour, one in use after eight', async () => {
    let cookie = cookieOf(await signIn('omar'))
    world.pass(59 * 60_000)
    const fresh = await board(cookie).set('sec-fetch-mode', 'cors')
    assert.equal(fresh.headers['set-cookie'], undefined, 'a page that keeps itself fresh prolongs nothing')
    for (let minutes = 59; minutes < 8 * 60; minutes += 50) {
      const answer = await board(cookie)
      assert.equal(answer.status, 200, `${minutes} minutes`)
      cookie = cookieOf(answer)
      assert.ok(cookie, 'it is prolonged')
      world.pass(50 * 60_000)
    }
    assert.equal((await board(cookie)).status, 401)
    cookie = cookieOf(await signIn('omar'))
    world.pass(60 * 60_000 + 1000)
    assert.equal((await board(cookie)).status, 401)
  })

  it('a form has to carry the token of its session', async () => {
    const cookie = cookieOf(await signIn('omar'))
    const other = cookieOf(await signIn('mona'))
    const tokenOf = async (of: string) => {
      const { text } = await request(world.app).get('/ops/sign-out').set('cookie', of)
      return /name="form-token" value="([^"]+)"/.exec(text)?.[1] ?? assert.fail('no token')
    }
    const signOut = (form: object) =>
      request(world.app)
        .post('/ops/sign-out')
        .set('cookie', cookie)
        .set('sec-fetch-site', 'same-origin')
        .type('form')
        .send(form)
    for (const form of [{}, { 'form-token': 'x' }, { 'form-token': await tokenOf(other) }]) {
      const refused = await signOut(form)
      assert.equal(refused.body.code, 'cross-site-request')
      assert.equal(refused.headers['set-cookie'], undefined)
    }
    assert.equal((await signOut({ 'form-token': await tokenOf(cookie) })).status, 303)
  })
})
