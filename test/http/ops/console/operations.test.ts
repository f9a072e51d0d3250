import assert from 'node:assert/strict'
import { type ConsoleWorld, hostile, startConsoleWorld } from '../../../support/console.ts'
import { until } from '../../../support/until.ts'
import { newReference, testAccount } from '../../../support/zenospay.ts'

const pages = [
  '',
  '/figures',
  '/cases',
  '/subscriptions',
  '/accounts',
  `/accounts/${testAccount.id}`,
  '/quarantine',
  '/audit',
]

describe('console: how everything does', function () {
  this.timeout(60_000)
  let world: ConsoleWorld
  before(async () => {
    world = await startConsoleWorld()
  })
  after(() => world?.stop())

  for (const path of pages) {
    it(`/ops${path} is for who may look, and shows nothing that is not filled in`, async () => {
      const { status, text } = await world.page(path, 'viewer-token')
      assert.equal(status, 200)
      assert.ok(!/undefined|\[object|NaN/.test(text), text)
      assert.equal((await world.page(path, 'reader-token')).status, 403)
    })
  }

  it('counts what is pending, with its money, and what has ended', async () => {
    const { reference, id } = await world.register({ amount: { value: '7000.00', currency: 'IDR' } })
    await world.tallyhook.callBack(reference, { amount: '7000.00' })
    await world.reaches(id, { state: 'succeeded' })
    await world.register({ amount: { value: '3000.00', currency: 'IDR' } })
    await until('both on the overview', async () => {
      const { text } = await world.page('/figures')
      return text.includes('3\u202f000.00 IDR') && text.includes('7\u202f000.00 IDR')
    })
  })

  it('pauses and resumes an account with a reason, and not without one', async () => {
    const path = `/accounts/${testAccount.id}`
    const without = await world.post(`${path}/pause`, { reason: '' })
    assert.ok(without.status === 422 && without.text.includes('Nothing was done.'))
    assert.equal((await world.post(`${path}/pause`, { reason: 'x' }, 'viewer-token')).status, 403)
    const paused = await world.post(`${path}/pause`, { reason: `The bank: ${hostile}` })
    assert.equal(paused.location, `/ops${path}?notice=paused`)
    const { text } = await world.page(path)
    assert.ok(text.includes('Nothing is sent.') && text.includes('&lt;img') && !text.includes('<img'))
    assert.equal((await world.post(`${path}/resume`, { reason: 'It is back.' })).status, 303)
    assert.ok((await world.page(path)).text.includes('It is sent as it comes.'))
  })

  it('puts what is done on record, with who and why, and shows that as text', async () => {
    await world.post(`/accounts/${testAccount.id}/pause`, { reason: `Because ${hostile}` })
    await world.post(`/accounts/${testAccount.id}/resume`, { reason: 'Enough.' })
    await world.post(`/accounts/${testAccount.id}/pause`, { reason: 'x' }, 'viewer-token')
    await until('all of it', async () => {
      const { text } = await world.page('/audit')
      assert.ok(!text.includes('<img'))
      return [
        'account.pause',
        'account.resume',
        'Because &lt;img',
        'missing-scope',
        'paused: false → paused: true',
      ].every((part) => text.includes(part))
    })
    const { text } = await world.page('/audit?action=account.resume')
    assert.ok(text.includes('Enough.') && !text.includes('Because'))
  })

  it('shows who is subscribed, with what was tried, and neither markup, secret nor query', async () => {
    const { body } = await world.api<{ id: string; secret: string }>('POST', '/subscriptions', {
      url: 'http://127.0.0.1:1/hook?key=planted',
      description: hostile,
    })
    await world.register()
    await until('an attempt', async () =>
      (await world.page(`/subscriptions/${body.id}`)).text.includes('connection-failed'),
    )
    for (const path of ['/subscriptions', `/subscriptions/${body.id}`]) {
      const { text } = await world.page(path, 'viewer-token')
      assert.ok(text.includes('&lt;img') && !text.includes('<img'), path)
      assert.ok(!text.includes(body.secret) && !text.includes('planted'), path)
    }
    const failing = await world.page(`/subscriptions/${body.id}?status=failing`)
    assert.ok(failing.status === 200 && failing.text.includes('transfer.registered.v1'))
  })

  it('shows what was refused and why, verifies it again, and never what it said', async () => {
    const { callbackUrl } = world.tallyhook
    const refused = await fetch(`${callbackUrl}${testAccount.callbackPath}`, {
      method: 'POST',
      headers: { 'x-partner-id': testAccount.partnerId, 'x-signature': 'wrong', 'x-timestamp': '<b>now</b>' },
      body: JSON.stringify({ planted: hostile }),
    })
    assert.equal(refused.status, 401)
    let id = ''
    await until('it in quarantine', async () => {
      const { text } = await world.page('/quarantine')
      id = /href="\/ops\/receipts\/(rc-\w+)"/.exec(text)?.[1] ?? ''
      return id !== ''
    })
    const page = await world.page(`/receipts/${id}`)
    assert.ok(page.text.includes('refused, in quarantine') && !page.text.includes('planted'))
    const again = await world.post(`/receipts/${id}/reverify`, {})
    assert.equal(again.location, `/ops/receipts/${id}?notice=refused`)
    assert.equal((await world.post(`/receipts/${id}/reverify`, {}, 'viewer-token')).status, 403)
  })

  it('shows a recorded receipt with the headers that its verification read, as text', async () => {
    const reference = newReference()
    const { id } = await world.register({ reference })
    await world.tallyhook.callBack(reference)
    await world.reaches(id, { state: 'succeeded' })
    const { text } = await world.page(`/transfers/${id}`)
    const receipt = /href="\/ops\/receipts\/(rc-\w+)"/.exec(text)?.[1]
    const shown = await world.page(`/receipts/${receipt}`)
    assert.ok(shown.text.includes('recorded') && shown.text.includes('x-timestamp'))
    const verified = await world.post(`/receipts/${receipt}/reverify`, {})
    assert.equal(verified.location, `/ops/receipts/${receipt}?notice=authentic`)
  })

  it('shows how far a batch has come, and its transfers', async () => {
    const references = Array.from({ length: 3 }, newReference)
    const beneficiary = { bankCode: '014', accountNumber: '9876543210', name: 'Budi Santoso' }
    const amount = { value: '1000.00', currency: 'IDR' }
    const { body, status } = await world.api<{ id: string }>('POST', '/batches', {
      account: testAccount.id,
      reference: newReference(),
      name: `May <b>payouts</b>`,
      remark: 'Daily',
      transfers: references.map((reference) => ({ reference, amount, beneficiary })),
    })
    assert.equal(status, 201, JSON.stringify(body))
    await world.tallyhook.callBack(references[0] ?? '', {
      amount: '1000.00',
      bankCode: '014',
      accountName: 'Budi Santoso',
      accountNumber: '9876543210',
    })
    await until('one to be final', async () =>
      (await world.page(`/batches/${body.id}`)).text.includes('1 of 3 are final'),
    )
    const { text } = await world.page(`/batches/${body.id}?state=succeeded`)
    assert.ok(text.includes(`>${references[0]}</a>`) && !text.includes(`>${references[1]}</a>`))
    assert.ok(!text.includes('<b>'))
  })
})
