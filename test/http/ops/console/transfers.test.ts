import assert from 'node:assert/strict'
import { type ConsoleWorld, hostile, startConsoleWorld } from '../../../support/console.ts'
import { newReference } from '../../../support/zenospay.ts'

describe('console: a transfer, and finding it', function () {
  this.timeout(60_000)
  let world: ConsoleWorld
  before(async () => {
    world = await startConsoleWorld()
  })
  after(() => world?.stop())

  it('says in order why it is in its state, and leads to its case and receipts', async () => {
    const { id, case: caseId } = await world.hold()
    const { status, text } = await world.page(`/transfers/${id}`)
    assert.equal(status, 200)
    const places = ['Registered', 'Succeeded', 'contradicts what is known: held', 'a person has to decide']
    const found = places.map((words) => text.indexOf(words, text.indexOf('class="timeline"')))
    assert.ok(
      found.every((at, i) => at > (found[i - 1] ?? 0)),
      String(found),
    )
    assert.ok(text.includes(`href="/ops/cases/${caseId}"`))
    assert.match(text, /href="\/ops\/receipts\/rc-/)
    assert.ok(text.includes('What was reported contradicts what is known to be final.'))
  })

  it('shows no name and no number whole', async () => {
    const beneficiary = { bankCode: '014', accountNumber: '9876543210', name: 'Budi Santoso' }
    const { id } = await world.register({ beneficiary })
    const { text } = await world.page(`/transfers/${id}`)
    assert.ok(text.includes('****3210') && text.includes('B••• S•••'))
    assert.ok(!text.includes('9876543210') && !text.includes('Santoso'))
  })

  it('takes what callers and providers wrote for text', async () => {
    const reference = `r${hostile.replaceAll(' ', '_')}${newReference().slice(-8)}`
    const beneficiary = { bankCode: '014', accountNumber: '9876543210', name: 'Budi Santoso' }
    const { id } = await world.register({ reference, beneficiary, metadata: { [hostile]: hostile } })
    await world.tallyhook.callBack(reference, {
      status: 'fail',
      inquiryId: hostile,
      accountName: hostile,
      accountNumber: '9876543210',
    })
    await world.reaches(id, { state: 'failed' })
    const { text } = await world.page(`/transfers/${id}`)
    assert.ok(text.includes('&lt;img'))
    assert.ok(!text.includes('<img') && !text.includes(`x"'&</p>`))
    const found = await world.post('/search', { q: hostile })
    assert.ok(!found.text.includes('<img') && !found.text.includes(`"'&</p>`))
  })

  it('is found by id, reference and provider’s number, and opened at once', async () => {
    const { id, reference } = await world.register()
    await world.tallyhook.callBack(reference)
    await world.reaches(id, { state: 'succeeded' })
    for (const q of [id, reference, ` ${reference} `, `inquiry-of-${reference}`]) {
      const { status, location } = await world.post('/search', { q })
      assert.deepEqual([status, location], [303, `/ops/transfers/${id}`], q)
    }
    const other = await world.post('/search', { q: reference, state: 'failed' })
    assert.ok(other.status === 200 && other.text.includes('Nothing is known under'))
  })

  it('is found by account number only by who may read transfers', async () => {
    const accountNumber = String(Math.floor(Math.random() * 1e9) + 1e9)
    const { id } = await world.register({
      beneficiary: { bankCode: '014', accountNumber, name: 'Budi Santoso' },
    })
    const found = await world.post('/search', { q: accountNumber })
    assert.ok(found.text.includes(`href="/ops/transfers/${id}"`))
    assert.ok((await world.post('/search', { q: accountNumber }, 'viewer-token')).text.includes(id))
    assert.equal((await world.post('/search', { q: accountNumber }, 'reader-token')).status, 403)
  })

  it('sends a person to sign in, and answers what is not there with a page', async () => {
    const away = await fetch(`${world.apiUrl}/ops/search`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    })
    assert.equal(away.status, 302)
    assert.equal(away.headers.get('location'), '/ops/sign-in?next=%2Fops%2Fsearch')
    const missing = await world.page('/transfers/tr-00000000000000000000000000')
    assert.equal(missing.status, 404)
    assert.ok(missing.text.includes('There is nothing here'))
  })

  it('allows neither scripts nor styles but its own files', async () => {
    const { headers, text } = await world.page('/search')
    const policy = headers.get('content-security-policy') ?? ''
    assert.ok(policy.includes("script-src 'self';") && policy.includes("style-src 'self';"), policy)
    assert.ok(!policy.includes('unsafe'))
    assert.ok(!/<script(?! src="\/ops\/console\.js" defer>)|style=|<style| on\w+=/.test(text))
    for (const file of ['/console.css', '/console.js']) {
      const { status } = await world.page(file)
      assert.equal(status, 200)
    }
  })
})
