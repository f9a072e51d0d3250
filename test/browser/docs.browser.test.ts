import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Page } from 'playwright-core'
import { operations } from '../../src/http/api/operations.ts'
import { createDocumentRoutes } from '../../src/http/documents/routes.ts'
import { findChromium, openBrowser } from '../support/chromium.ts'

describe('the reference in a browser', function () {
  this.timeout(60_000)
  const chromium = findChromium()
  let server: Server
  let origin: string

  before(async function () {
    if (!chromium) return this.skip()
    const app = express().use(createDocumentRoutes({ operations, version: '1.2.3' }))
    server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server?.closeAllConnections()
    server?.close()
  })

  /** Fails where the page asks for anything else, or its own policy is in its way. */
  async function open(scheme: 'light' | 'dark', width: number, look: (page: Page) => Promise<void>) {
    const browser = await openBrowser(chromium ?? '', scheme)
    try {
      const page = await browser.newPage()
      await page.setViewportSize({ width, height: 900 })
      const asked: string[] = []
      const problems: string[] = []
      page.on('request', (sent) => asked.push(sent.url()))
      page.on('console', (line) => problems.push(line.text()))
      page.on('pageerror', (error) => problems.push(error.message))
      await page.goto(`${origin}/docs`)
      if (process.env.SCREENS)
        await page.screenshot({ path: `${process.env.SCREENS}/docs-${scheme}-${width}.png` })
      await look(page)
      const elsewhere = asked.filter((url) => !url.startsWith(`${origin}/docs`) && !url.startsWith('data:'))
      assert.deepEqual({ elsewhere, problems }, { elsewhere: [], problems: [] })
    } finally {
      await browser.dispose()
    }
  }

  it('shows every call, and the way to each schema', async () => {
    await open('light', 1280, async (page) => {
      for (const { id, summary } of operations) {
        const heading = page.locator(`section[id="${id}"] h3`)
        assert.equal(await heading.textContent(), summary)
      }
      const broken = await page.evaluate<string[]>(
        '[...document.querySelectorAll(\'a[href^="#"]\')].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id))',
      )
      assert.deepEqual(broken, [])
      await page.getByRole('navigation').getByRole('link', { name: 'Register a transfer' }).click()
      assert.match(page.url(), /#registerTransfer$/)
    })
  })

  it('filters by words, and says so where nothing has them', async () => {
    await open('light', 1280, async (page) => {
      const filter = page.getByLabel('Filter')
      await filter.fill('cancel transfer reason')
      assert.equal(await page.locator('#cancelTransfer').isVisible(), true)
      assert.equal(await page.locator('#getHealth').isVisible(), false)
      assert.equal(
        await page.getByRole('navigation').getByRole('link', { name: 'A coupon', exact: true }).count(),
        0,
      )
      await filter.fill('no such words')
      await page.getByText('Nothing here has these words.').waitFor()
      await filter.fill('')
      assert.equal(await page.locator('#getHealth').isVisible(), true)
    })
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`fits a phone, with text that can be read (${scheme})`, async () => {
      await open(scheme, 400, async (page) => {
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 400)
        for (const selector of [
          'main p',
          '.item',
          'nav li a',
          '.type',
          '.method.get',
          'h4',
          '.fields dd p',
          'a',
        ]) {
          const contrast = await measureContrast(page, selector)
          assert.ok(contrast >= 4.5, `${selector}: ${contrast}`)
        }
      })
    })
  }

  it('is whole without its script', async () => {
    const browser = await openBrowser(chromium ?? '')
    try {
      const page = await browser.newPage()
      await page.route('**/docs', async (route) => {
        const answer = await route.fetch()
        const body = (await answer.text()).replace(/<script>[\s\S]*<\/script>/, '')
        await route.fulfill({ response: answer, body })
      })
      await page.goto(`${origin}/docs`)
      assert.equal(await page.getByLabel('Filter').isVisible(), false)
      assert.equal(await page.locator('#getHealth').isVisible(), true)
    } finally {
      await browser.dispose()
    }
  })
})

/** WCAG’s ratio of the text to what is behind it. */
async function measureContrast(page: Page, selector: string): Promise<number> {
  const [color = '', ...behind] = await page.evaluate<string[]>(`(() => {
    let element = document.querySelector(${JSON.stringify(selector)})
    const colors = [getComputedStyle(element).color]
    for (; element; element = element.parentElement) colors.push(getComputedStyle(element).backgroundColor)
    return colors
  })()`)
  const back = behind.find((one) => one.startsWith('rgb(')) ?? 'rgb(255, 255, 255)'
  const [a, b] = [luminanceOf(color), luminanceOf(back)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminanceOf(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
