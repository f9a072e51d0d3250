import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { findChromium, openBrowser } from '../support/chromium.ts'
import { createOpsWorld, type OpsWorld } from '../support/ops.ts'
import { until } from '../support/until.ts'

describe('operators’ pages in a browser', function () {
  this.timeout(60_000)
  const chromium = findChromium()
  let world: OpsWorld
  let server: Server
  let origin: string

  before(async function () {
    // Chromium is found on PATH or not at all; where there is none, these are counted as skipped.
    if (!chromium) return this.skip()
    world = await createOpsWorld()
    server = world.app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await world?.stop()
  })

  it('sign in, see why a callback failed, press retry, and nothing asks another host', async () => {
    const [jobId] = await world.addFailed(1)
    const browser = await openBrowser(chromium ?? '')
    try {
      const page = await browser.newPage()
      const elsewhere: string[] = []
      const problems: string[] = []
      page.on('request', (sent) => {
        if (!sent.url().startsWith(origin) && !sent.url().startsWith('data:')) elsewhere.push(sent.url())
      })
      page.on('console', (line) => {
        if (line.type() === 'error') problems.push(line.text())
      })

      await page.goto(`${origin}/ops`)
      await page.getByLabel('API token').fill('wrong')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      assert.equal(await page.getByRole('alert').textContent(), 'This token is not known.')
      problems.length = 0

      await page.getByLabel('API token').fill('operator-token')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL(`${origin}/ops/queues`)
      await page.goto(`${origin}/ops/queues/queue/callbacks?status=failed`)
      await page.getByText('apply-callback').first().waitFor()
      assert.ok((await page.content()).includes(jobId ?? ''))
      if (process.env.SCREENS) await page.screenshot({ path: `${process.env.SCREENS}/board.png` })

      for (const refused of [/clean/i, /promote/i, /edit/i, /duplicate/i]) {
        assert.equal(await page.getByRole('button', { name: refused }).count(), 0, `${refused} is offered`)
      }
      world.mend()
      await page.getByRole('button', { name: /retry/i }).last().click()
      const confirm = page.getByRole('button', { name: /confirm/i })
      if (await confirm.isVisible()) await confirm.click()
      await until('the replay', () => world.applied.includes(jobId ?? ''))
      assert.deepEqual(elsewhere, [])
      assert.deepEqual(problems, [])
    } finally {
      await browser.dispose()
    }
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`the sign-in page works by keyboard alone and fits a phone (${scheme})`, async () => {
      const browser = await openBrowser(chromium ?? '', scheme)
      try {
        const page = await browser.newPage()
        await page.setViewportSize({ width: 360, height: 640 })
        await page.goto(`${origin}/ops/sign-in`)
        assert.equal(await page.evaluate('document.activeElement?.id'), 'token')
        assert.equal(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), true)
        if (process.env.SCREENS)
          await page.screenshot({ path: `${process.env.SCREENS}/sign-in-${scheme}.png` })
        await page.keyboard.type('viewer-token')
        await page.keyboard.press('Enter')
        await page.waitForURL(`${origin}/ops/queues`)
      } finally {
        await browser.dispose()
      }
    })
  }
})
