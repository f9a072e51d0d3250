import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { findChromium, openBrowser } from '../support/chromium.ts'
import { type ConsoleWorld, startConsoleWorld } from '../support/console.ts'
import { seedConsole } from '../support/console-seed.ts'
import { until } from '../support/until.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Finding {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

/** Findings that keep somebody out; it runs beside the page's own policy. */
async function findSerious(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const found = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Finding[]
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n')}`)
}

describe('the console in a browser', function () {
  this.timeout(120_000)
  const chromium = findChromium()
  let world: ConsoleWorld
  let seed: Awaited<ReturnType<typeof seedConsole>>

  before(async function () {
    // Chromium is found on PATH or not at all; where there is none, these are counted as skipped.
    if (!chromium) return this.skip()
    world = await startConsoleWorld()
    seed = await seedConsole(world)
  })
  after(() => world?.stop())

  async function open(scheme: 'light' | 'dark' = 'light', size = { width: 1280, height: 800 }) {
    const browser = await openBrowser(chromium ?? '', scheme)
    const page = await browser.newPage()
    await page.setViewportSize(size)
    const elsewhere: string[] = []
    const problems: string[] = []
    page.on('request', (sent) => {
      if (!sent.url().startsWith(world.apiUrl) && !sent.url().startsWith('data:')) elsewhere.push(sent.url())
    })
    page.on('console', (line) => {
      if (line.type() === 'error') problems.push(line.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    return { browser, page, elsewhere, problems }
  }

  async function signIn(page: Page, next = '/ops') {
    await page.goto(`${world.apiUrl}${next}`)
    await page.getByLabel('API token').fill('composed-token')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${world.apiUrl}${next}`)
  }

  it('leads from signing in by a search to why a transfer is held, and resolves its case', async () => {
    const { id, reference } = await world.hold()
    const { browser, page, elsewhere, problems } = await open()
    try {
      await signIn(page)
      problems.length = 0
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
      await page.getByRole('searchbox').fill(reference)
      await page.keyboard.press('Enter')
      await page.waitForURL(`${world.apiUrl}/ops/transfers/${id}`)
      const steps = await page.locator('.timeline > li').allTextContents()
      assert.ok(
        steps.some((text) => text.includes('Held: a person has to decide')),
        steps.join('\n'),
      )
      await page.getByRole('link', { name: 'Look at the case' }).click()
      await page.getByRole('radio', { name: /Take their word/ }).check()
      await page.getByText('It goes from succeeded to failed.').waitFor()
      await page.getByLabel('Reason').fill('The bank says so on the telephone.')
      await page.getByRole('button', { name: 'Resolve the case' }).click()
      await page.getByText('The case is resolved.').waitFor()
      await world.reaches(id, { state: 'failed', held: false })
      assert.deepEqual(elsewhere, [])
      assert.deepEqual(problems, [])
    } finally {
      await browser.dispose()
    }
  })

  it('is used by keyboard: past the navigation, through a form, and out again', async () => {
    const { case: caseId } = await world.hold()
    const { browser, page } = await open()
    const focused = () =>
      page.evaluate('document.activeElement?.getAttribute("name") ?? document.activeElement?.textContent')
    try {
      await signIn(page, `/ops/cases/${caseId}`)
      await page.keyboard.press('Tab')
      assert.equal(await focused(), 'Skip to the content')
      const ring = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      assert.equal(ring, 'solid')
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate('document.activeElement?.id'), 'content')
      await until('the choice to have the focus', async () => {
        await page.keyboard.press('Tab')
        return (await focused()) === 'action'
      })
      await page.keyboard.press('ArrowDown')
      assert.equal(await page.getByRole('radio', { name: 'Keep ours' }).isChecked(), true)
      await page.keyboard.press('Tab')
      assert.equal(await focused(), 'reason')
      await page.keyboard.type('Looked at it.')
      await page.keyboard.press('Enter')
      await page.getByText('The case is resolved.').waitFor()
    } finally {
      await browser.dispose()
    }
  })

  it('keeps the overview fresh by itself, and works without a script', async () => {
    const { browser, page, problems } = await open()
    try {
      await signIn(page)
      problems.length = 0
      const asked = page.waitForResponse((answer) => answer.url() === `${world.apiUrl}/ops/figures`)
      assert.equal((await asked).status(), 200)
      await page.getByText('Pending', { exact: true }).first().waitFor()
      assert.deepEqual(problems, [])
      await page.route('**/console.js', (route) => route.abort())
      await page.goto(`${world.apiUrl}/ops`)
      await page.getByRole('heading', { name: 'Time to settle' }).waitFor()
    } finally {
      await browser.dispose()
    }
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`keeps nobody out of any page, and fits a phone (${scheme})`, async () => {
      const { browser, page, elsewhere, problems } = await open(scheme)
      try {
        await signIn(page)
        problems.length = 0
        const serious: string[] = []
        for (const [name, path] of Object.entries(seed.pages)) {
          await page.setViewportSize({ width: 1280, height: 800 })
          await page.goto(`${world.apiUrl}/ops${path}`)
          if (name === 'search') {
            await page.getByLabel('Account', { exact: true }).focus()
            await page.getByRole('searchbox').fill(seed.number)
            await page.keyboard.press('Enter')
            await page.getByRole('heading', { name: 'Paid to this account number' }).waitFor()
          }
          serious.push(...(await findSerious(page)).map((finding) => `${name}: ${finding}`))
          await shoot(page, scheme === 'light' ? name : `${name}-dark`)
          await page.setViewportSize({ width: 360, height: 740 })
          const fits = await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')
          assert.equal(fits, true, `${name} is wider than a phone`)
          if (name === 'overview' || name === 'transfer') await shoot(page, `${name}-phone-${scheme}`)
        }
        assert.deepEqual(serious, [])
        assert.deepEqual(elsewhere, [])
        assert.deepEqual(problems, [])
      } finally {
        await browser.dispose()
      }
    })
  }
})

/** Only when asked for, as by SCREENS=docs/screens: times and ids are others each time. In dark one is enough. */
async function shoot(page: Page, name: string): Promise<void> {
  if (!process.env.SCREENS || (name.endsWith('-dark') && name !== 'overview-dark')) return
  await page.screenshot({ path: `${process.env.SCREENS}/${name}.png`, fullPage: true })
}
