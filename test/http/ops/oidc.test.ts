import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import request from 'supertest'
import { createOidcSignIn, type OidcSettings } from '../../../src/http/ops/oidc-sign-in.ts'
import { createOutboundFetch } from '../../../src/outbound/fetch.ts'
import { type OidcProvider, startOidcProvider } from '../../support/oidc-provider.ts'
import { createOpsWorld, type OpsWorld } from '../../support/ops.ts'

const redirectUrl = 'http://127.0.0.1:1/ops/sign-in/oidc/callback'
const groups = { vera: ['watchers'], omar: ['watchers', 'payments-ops'], ada: ['root'], eve: ['sales'] }

describe('signing in by OpenID Connect', () => {
  let provider: OidcProvider
  let other: OidcProvider
  let world: OpsWorld

  const settingsOf = (fields: Partial<OidcSettings> = {}): OidcSettings => ({
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecret: provider.clientSecret,
    redirectUrl,
    scopes: ['openid', 'profile'],
    rolesClaim: 'groups',
    nameClaim: 'sub',
    roles: { viewer: ['watchers'], operator: ['payments-ops'], admin: ['root'] },
    ...fields,
  })
  const createSignIn = (settings: OidcSettings, allowed = true) =>
    createOidcSignIn({
      settings,
      fetch: createOutboundFetch({
        allow: [],
        http: false,
        loopbackOrigin: allowed ? new URL(settings.issuer).origin : undefined,
      }),
      key: new Uint8Array(randomBytes(32)),
      clock: Date.now,
    })

  before(async () => {
    provider = await startOidcProvider({ redirectUrl, groups })
    other = await startOidcProvider({ redirectUrl, groups, inUserInfo: true })
    world = await createOpsWorld({ oidc: createSignIn(settingsOf()) })
  })
  after(async () => {
    await world.stop()
    await provider.stop()
    await other.stop()
  })

  const get = (path: string, cookie = '') => request(world.app).get(path).set('cookie', cookie)
  const cookieOf = (name: string, { headers }: { headers: Record<string, unknown> }) =>
    ((headers['set-cookie'] as string[] | undefined) ?? [])
      .map((one) => one.split(';')[0] ?? '')
      .find((one) => one.startsWith(`${name}=`) && one !== `${name}=`) ?? ''

  async function begin(next = '/ops/queues') {
    const answer = await get(`/ops/sign-in/oidc?next=${encodeURIComponent(next)}`)
    assert.equal(answer.status, 303)
    return { to: String(answer.headers.location), kept: cookieOf('tallyhook_oidc', answer), answer }
  }
  const pathOf = (url: string) => url.slice(new URL(url).origin.length)
  const refused = async () => {
    const [last] = await world.audited()
    return [last?.who, last?.via, last?.outcome, last?.code]
  }

  async function signIn(login: string, next?: string) {
    const { to, kept } = await begin(next)
    return get(pathOf(await provider.signIn(to, login)), kept)
  }

  it('leads to the provider and back, with a role of its claim', async () => {
    assert.match((await get('/ops/sign-in')).text, /href="\/ops\/sign-in\/oidc\?next=/)
    const { answer } = await begin()
    const asked = new URL(String(answer.headers.location)).searchParams
    assert.equal(asked.get('code_challenge_method'), 'S256')
    for (const name of ['state', 'nonce', 'code_challenge']) assert.ok((asked.get(name) ?? '').length >= 32)
    assert.match(String(answer.headers['set-cookie']), /HttpOnly; SameSite=Lax; Max-Age=600/)

    const back = await signIn('vera', '/ops/queues/queue/callbacks?status=failed')
    assert.equal(back.status, 200)
    assert.match(
      back.text,
      /http-equiv="refresh" content="0;url=\/ops\/queues\/queue\/callbacks\?status=failed"/,
    )
    assert.match(String(back.headers['set-cookie']), /tallyhook_oidc=;/)
    const viewer = cookieOf('tallyhook_session', back)
    const retry = (cookie: string) =>
      request(world.app)
        .put('/ops/queues/api/queues/callbacks/retry/failed')
        .set('cookie', cookie)
        .set('sec-fetch-site', 'same-origin')
    assert.equal((await get('/ops/queues/api/queues', viewer)).status, 200)
    assert.equal((await retry(viewer)).body.code, 'missing-scope')
    assert.equal((await retry(cookieOf('tallyhook_session', await signIn('omar')))).status, 200)
    const entries = (await world.audited()).filter(({ action }) => action === 'jobs.retry')
    assert.deepEqual(
      entries.map(({ who, via, outcome }) => [who, via, outcome]),
      [
        ['omar', 'oidc', 'done'],
        ['vera', 'oidc', 'refused'],
      ],
    )
  })

  it('lets nobody in whose organisation gives them no role', async () => {
    const back = await signIn('eve')
    assert.equal(back.status, 403)
    assert.equal(cookieOf('tallyhook_session', back), '')
    assert.deepEqual(await refused(), ['eve', 'oidc', 'refused', 'no-role'])
  })

  it('takes nothing that this browser did not begin, or that was changed on the way', async () => {
    const { to, kept } = await begin()
    const url = new URL(await provider.signIn(to, 'omar'))
    const changed = (name: string, value: string) => {
      const copy = new URL(url)
      copy.searchParams.set(name, value)
      return pathOf(copy.href)
    }
    const tries: [path: string, cookie: string][] = [
      [pathOf(url.href), ''],
      [pathOf(url.href), `${kept.slice(0, -4)}AAAA`],
      [pathOf(url.href), (await begin()).kept],
      [changed('state', 'x'), kept],
      [changed('iss', other.issuer), kept],
      [changed('code', 'x'), kept],
      ['/ops/sign-in/oidc/callback', kept],
      ['/ops/sign-in/oidc/callback?error=access_denied', kept],
    ]
    for (const [path, cookie] of tries) {
      const back = await get(path, cookie)
      assert.equal(back.status, 401, path)
      assert.equal(cookieOf('tallyhook_session', back), '')
      assert.equal((await refused())[2], 'refused')
    }
  })

  it('a code works once', async () => {
    const { to, kept } = await begin()
    const path = pathOf(await provider.signIn(to, 'omar'))
    assert.equal((await get(path, kept)).status, 200)
    assert.equal((await get(path, kept)).status, 401)
  })

  it('what under way was begun too long ago has to begin again', async () => {
    let now = Date.now()
    const signIn = createOidcSignIn({
      settings: settingsOf(),
      fetch: createOutboundFetch({ allow: [], http: false, loopbackOrigin: provider.issuer }),
      key: new Uint8Array(32),
      clock: () => now,
    })
    const { url, kept } = await signIn.begin('/ops')
    const { search } = new URL(await provider.signIn(url, 'omar'))
    now += 601_000
    assert.deepEqual(await signIn.finish(search, kept), { outcome: 'not-proved', why: 'nothing-under-way' })
  })

  it('reads the claim of userinfo where the ID token has none, and the highest role', async () => {
    const signIn = createSignIn(
      settingsOf({
        issuer: other.issuer,
        roles: { viewer: ['watchers'], operator: [], admin: ['payments-ops'] },
      }),
    )
    const { url, kept } = await signIn.begin('/ops')
    const answer = await signIn.finish(new URL(await other.signIn(url, 'omar')).search, kept)
    assert.ok(answer.outcome === 'signed-in')
    assert.equal(answer.principal.role, 'admin')
  })

  it('asks nobody whom the rules for requests do not allow', async () => {
    await assert.rejects(createSignIn(settingsOf(), false).begin('/ops'))
    const gone = await createOpsWorld({ oidc: createSignIn(settingsOf({ issuer: 'http://127.0.0.1:1' })) })
    try {
      const answer = await request(gone.app).get('/ops/sign-in/oidc')
      assert.equal(answer.status, 503)
      assert.match(answer.text, /cannot be reached/)
    } finally {
      await gone.stop()
    }
  })

  it('ends here, and says where it ends there', async () => {
    const session = cookieOf('tallyhook_session', await signIn('omar'))
    const page = await get('/ops/sign-out', session)
    const token = /name="form-token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const out = await request(world.app)
      .post('/ops/sign-out')
      .set('cookie', session)
      .set('sec-fetch-site', 'same-origin')
      .type('form')
      .send({ 'form-token': token })
    assert.equal(out.status, 200)
    assert.match(String(out.headers['set-cookie']), /Max-Age=0/)
    assert.ok(out.text.includes(`href="${provider.issuer}/session/end?client_id=tallyhook"`))
  })
})
