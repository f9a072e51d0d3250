import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type Composed, startComposed } from '../support/composed.ts'
import { acmeTranslate, secret } from '../support/generic.ts'
import { type RedisServerProcess, startRedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

/** An account that understands these statuses. */
function withStatuses(statuses: Record<string, string>) {
  const verify = {
    scheme: 'hmac-sha256',
    header: 'x-signature',
    encoding: 'hex',
    signed: '{body}',
    secrets: [secret],
  }
  const translate = { ...acmeTranslate, statuses }
  return { accounts: [{ id: 'acme', provider: 'generic', currency: 'EUR', verify, translate }] }
}

describe('callbacks that a running Tallyhook did not understand', () => {
  let server: RedisServerProcess
  const running: Composed[] = []

  before(async () => {
    server = await startRedisServer()
  })
  after(async () => {
    for (const one of running) await one.stop()
    await server?.stop()
  })

  async function start(role: 'all' | 'serve' | 'work', statuses: Record<string, string>): Promise<Composed> {
    const one = await startComposed(server.url, { role, more: withStatuses(statuses) })
    running.push(one)
    return one
  }

  async function call<Answer>({ apiUrl, headers }: Composed, path: string, body?: object): Promise<Answer> {
    const sent = body && { method: 'POST', body: JSON.stringify(body) }
    const answer = await fetch(`${apiUrl}${path}`, { headers, ...sent })
    assert.ok(answer.ok, `${path}: ${answer.status}`)
    return (await answer.json()) as Answer
  }

  async function callBack({ callbackUrl }: Composed, reference: string): Promise<void> {
    const data = {
      ref: reference,
      id: `px-of-${reference}`,
      amount: '25.00',
      currency: 'EUR',
      status: 'settled',
    }
    const body = JSON.stringify({ data: { ...data, at: '2025-03-01T11:59:00Z' } })
    const signature = createHmac('sha256', secret).update(body).digest('hex')
    const answer = await fetch(`${callbackUrl}/callbacks/acme`, {
      method: 'POST',
      headers: { 'x-signature': signature, 'content-type': 'application/json' },
      body,
    })
    assert.equal(answer.status, 200)
  }

  it('are replayed once its configuration is mended, and it was started again', async () => {
    const before = await start('all', { paid: 'succeeded' })
    const references = [newReference(), newReference()]
    const ids: string[] = []
    for (const reference of references) {
      const beneficiary = { bankCode: '002', accountNumber: '0000000000', name: 'Jane Roe' }
      const amount = { value: '25.00', currency: 'EUR' }
      const registered = { account: 'acme', reference, amount, beneficiary }
      ids.push((await call<{ id: string }>(before, '/v1/transfers', registered)).id)
      await callBack(before, reference)
    }
    const open = () => call<{ items: unknown[] }>(before, '/v1/cases?state=open')
    await until('their cases', async () => (await open()).items.length === 2)
    await before.stop()
    running.length = 0

    const serve = await start('serve', { paid: 'succeeded', settled: 'succeeded' })
    const query = { account: 'acme', code: 'callback-not-understood' }
    type Plan = { outcomes: unknown; value: unknown }
    const plan = await call<Plan>(serve, '/v1/replays', { query, dryRun: true })
    assert.deepEqual(plan.outcomes, { applied: 2 })
    assert.deepEqual(plan.value, [{ value: '50.00', currency: 'EUR' }])
    const begun = await call<{ id: string }>(serve, '/v1/replays', { query, reason: 'Understood by now.' })
    await start('work', { paid: 'succeeded', settled: 'succeeded' })
    const done = await until('its end', async () => {
      const found = await call<{ state: string; outcomes: unknown }>(serve, `/v1/replays/${begun.id}`)
      return found.state === 'done' && found
    })
    assert.deepEqual(done.outcomes, { applied: 2 })
    for (const id of ids)
      assert.equal((await call<{ state: string }>(serve, `/v1/transfers/${id}`)).state, 'succeeded')
    assert.deepEqual((await call<{ items: unknown[] }>(serve, '/v1/cases?state=open')).items, [])
  })
})
