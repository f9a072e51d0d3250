import assert from 'node:assert/strict'
import { SignJWT, UnsecuredJWT } from 'jose'
import request from 'supertest'
import { safeNext } from '../../../src/http/ops/sign-in.ts'
import { createOpsWorld, type OpsWorld } from '../../support/ops.ts'

describe('operators’ sign-in', () => {
  let world: OpsWorld
  before(async () => {
    world = await createOpsWorld()
  })
  after(() => world.stop())

  const signIn = (token: string, next = '/ops/queues') =>
    request(world.app)
      .post('/ops/sign-in')
      .set('sec-fetch-site', 'same-origin')
      .type('form')
      .send({ token, next })

  async function session(token = 'operator-token'): Promise<string> {
    const response = await signIn(token)
    assert.equal(response.status, 303)
    return (response.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? ''
  }

  const board = (cookie: string) => request(world.app).get('/ops/queues/api/queues').set('cookie', cookie)

  it('turns a token into a cookie that no script and no other site can use', async () => {
    const response = await signIn('operator-token')
    assert.equal(response.status, 303)
    assert.equal(response.headers.location, '/ops/queues')
    const cookie = response.headers['set-cookie']?.[0] ?? ''
    for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/ops', 'Max-Age=28800'])
      assert.ok(cookie.includes(flag), flag)
    assert.ok(!cookie.includes('Secure'))
    assert.ok(
      !cookie.includes('operator-token') && !Buffer.from(cookie, 'base64url').includes('operator-token'),
    )
    assert.equal((await board(cookie.split(';')[0] ?? '')).status, 200)
    const proxied = await signIn('operator-token').set('x-forwarded-proto', 'https')
    assert.match(proxied.headers['set-cookie']?.[0] ?? '', /; Secure/)
  })

  it('refuses a token that is not known, or may not see it, and shows why', async () => {
    const unknown = await signIn('wrong')
    assert.equal(unknown.status, 401)
    assert.match(unknown.text, /role="alert"[^>]*>This token is not known/)
    assert.equal(unknown.headers['set-cookie'], undefined)
    const scopeless = await signIn('ledger-token')
    assert.equal(scopeless.status, 403)
    assert.ok(!JSON.stringify(world.logger.lines).includes('ledger-token'), 'no token in the log')
    assert.equal((await request(world.app).post('/ops/sign-in').set('sec-fetch-site', 'none')).status, 401)
  })

  it('sends a person to the sign-in page and back, and tells a program what it lacks', async () => {
    const person = await request(world.app)
      .get('/ops/queues/queue/callbacks?status=failed')
      .set('accept', 'text/html')
    assert.equal(person.status, 302)
    assert.equal(
      person.headers.location,
      `/ops/sign-in?next=${encodeURIComponent('/ops/queues/queue/callbacks?status=failed')}`,
    )
    const program = await request(world.app).get('/ops/queues/api/queues')
    assert.equal(program.status, 401)
    assert.equal(program.body.code, 'unauthenticated')
  })

  it('takes the API token itself as well', async () => {
    const response = await request(world.app)
      .get('/ops/queues/api/queues')
      .set('authorization', 'Bearer viewer-token')
    assert.equal(response.status, 200)
    const scopeless = await request(world.app)
      .get('/ops/queues/api/queues')
      .set('authorization', 'Bearer ledger-token')
    assert.equal(scopeless.body.code, 'missing-scope')
  })

  it('accepts no session that it did not sign, or that has ended', async () => {
    const cookie = await session()
    const claims = { aud: 'tallyhook:ops', sub: 'operator' }
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(new Uint8Array(32))
    const unsigned = new UnsecuredJWT(claims).setExpirationTime('1h').encode()
    const [head = '', body = '', signature = ''] = cookie.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims, exp: 99999999999 })).toString('base64url')
    const bad = [
      `tallyhook_session=${foreign}`,
      `tallyhook_session=${unsigned}`,
      `${head}.${forged}.${signature}`,
      `${head}.${body}.AAAA`,
      'tallyhook_session=',
    ]
    for (const one of bad) assert.equal((await board(one)).status, 401, one)
    assert.equal((await board(cookie)).status, 200)
    world.pass(8 * 3600_000 + 1000)
    assert.equal((await board(cookie)).status, 401)
  })

  it('ends a session when its token is taken away, and at the sign-out', async () => {
    const cookie = await session('viewer-token')
    assert.equal((await board(cookie)).status, 200)
    world.replace('viewer')
    assert.equal((await board(cookie)).status, 401, 'another token under the same id')
    world.remove('viewer')
    assert.equal((await board(cookie)).status, 401)
    const out = await request(world.app).post('/ops/sign-out').set('sec-fetch-site', 'same-origin')
    assert.match(out.headers['set-cookie']?.[0] ?? '', /Max-Age=0/)
  })

  it('refuses what another site makes a browser send', async () => {
    const cookie = await session()
    const retry = () =>
      request(world.app).put('/ops/queues/api/queues/callbacks/retry/failed').set('cookie', cookie)
    assert.equal((await retry()).body.code, 'cross-site-request', 'neither header')
    assert.equal((await retry().set('sec-fetch-site', 'cross-site')).body.code, 'cross-site-request')
    assert.equal((await retry().set('sec-fetch-site', 'same-site')).body.code, 'cross-site-request')
    assert.equal((await retry().set('origin', 'http://evil.example')).body.code, 'cross-site-request')
    assert.equal((await retry().set('sec-fetch-site', 'same-origin')).status, 200)
    assert.equal((await retry().set('host', 'ops.example').set('origin', 'https://ops.example')).status, 200)
    const form = await request(world.app).post('/ops/sign-in').type('form').send({ token: 'operator-token' })
    assert.equal(form.body.code, 'cross-site-request')
  })

  it('goes on only to a page of its own', () => {
    assert.equal(safeNext('/ops/queues?x=1'), '/ops/queues?x=1')
    for (const bad of [
      '//evil.example',
      'https://evil.example/ops',
      '/\\evil.example',
      '/opsother',
      '/v1/events',
      '/ops/../v1',
      '',
      undefined,
      7,
      ['/ops'],
    ]) {
      assert.equal(safeNext(bad), '/ops', String(bad))
    }
  })

  it('escapes what it repeats, and is under a strict policy', async () => {
    const response = await request(world.app).get('/ops/sign-in?next=/ops/"><script>alert(1)</script>')
    assert.ok(!response.text.includes('<script>alert'))
    assert.match(
      response.headers['content-security-policy'] ?? '',
      /default-src 'none'.*frame-ancestors 'none'/,
    )
    assert.equal(response.headers['cache-control'], 'no-store')
  })
})
