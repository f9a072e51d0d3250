import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOidcSignIn } from '../../src/http/ops/oidc-sign-in.ts'
import { createOutboundFetch } from '../../src/outbound/fetch.ts'
import { findChromium, openBrowser } from '../support/chromium.ts'
import { type OidcProvider, startOidcProvider } from '../support/oidc-provider.ts'
import { createOpsWorld, type OpsWorld } from '../support/ops.ts'

describe('people sign in with a browser', function () {
  this.timeout(60_000)
  const chromium = findChromium()
  let world: OpsWorld
  let provider: OidcProvider
  let server: Server
  let origin: string

  before(async function () {
    if (!chromium) return this.skip()
    server = createServer((req, res) => world.app(req, res))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const redirectUrl = `${origin}/ops/sign-in/oidc/callback`
    provider = await startOidcProvider({ redirectUrl, groups: { omar: ['payments-ops'] } })
    const { issuer, clientId, clientSecret } = provider
    const oidc = createOidcSignIn({
      settings: {
        issuer,
        clientId,
        clientSecret,
        redirectUrl,
        scopes: ['openid', 'profile'],
        rolesClaim: 'groups',
        nameClaim: 'sub',
        roles: { viewer: [], operator: ['payments-ops'], admin: [] },
      },
      fetch: createOutboundFetch({ allow: [], http: false, loopbackOrigin: issuer }),
      key: new Uint8Array(randomBytes(32)),
      clock: Date.now,
    })
    world = await createOpsWorld({ oidc })
    await world.addOperator('mona', 'viewer', 'a long enough secret')
  })
  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await provider?.stop()
    await world?.stop()
  })

  it('by name and password, and out again', async () => {
    const browser = await openBrowser(chromium ?? '')
    try {
      const page = await browser.newPage()
      await page.goto(`${origin}/ops/queues`)
      await page.getByLabel('Name').fill('mona')
      await page.getByLabel('Password').fill('wrong')
      await page.keyboard.press('Enter')
      assert.equal(await page.getByRole('alert').textContent(), 'Name or password is not right.')
      await page.getByLabel('Name').fill('mona')
      await page.getByLabel('Password').fill('a long enough secret')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.waitForURL(`${origin}/ops/queues`)
      await page.goto(`${origin}/ops/sign-out`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${origin}/ops/sign-in`)
      await page.goto(`${origin}/ops/queues`)
      assert.ok(page.url().startsWith(`${origin}/ops/sign-in?next=`))
    } finally {
      await browser.dispose()
    }
  })

  it('at their organisation, and are led on to where they wanted to go', async () => {
    const browser = await openBrowser(chromium ?? '')
    try {
      const page = await browser.newPage()
      const wanted = `${origin}/ops/queues/queue/callbacks?status=failed`
      await page.goto(wanted)
      await page.getByRole('link', { name: 'Sign in with your organisation' }).click()
      await page.locator('input[name=login]').fill('omar')
      await page.locator('input[name=password]').fill('any')
      await page.locator('button[type=submit]').click()
      await page.getByRole('button', { name: /continue/i }).click()
      await page.waitForURL(wanted)
      await page.goto(`${origin}/ops/sign-out`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      const there = await page.getByRole('link', { name: 'Sign out there as well' }).getAttribute('href')
      assert.ok(there?.startsWith(`${provider.issuer}/session/end`))
      await page.goto(wanted)
      assert.ok(page.url().startsWith(`${origin}/ops/sign-in?next=`))
    } finally {
      await browser.dispose()
    }
  })
})
