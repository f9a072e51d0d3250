import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Beneficiary } from '../../src/domain/transfer.ts'
import { createDigest } from '../../src/seal/keyring.ts'
import { createTransferSearch, type Place } from '../../src/store/transfer-search.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, digestPerson, registrationOf, type TestStore } from '../support/store.ts'
import { newReference } from '../support/zenospay.ts'

describe('search by account number', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
  })
  after(() => clients.closeAll())

  const bank = (accountNumber: string): Beneficiary => ({
    kind: 'bank',
    bankCode: '002',
    accountNumber,
    name: 'John Doe',
  })
  async function register(beneficiary: Beneficiary, fields: object = {}): Promise<string> {
    const { intent } = await registerWith(beneficiary, fields)
    return intent.id
  }
  async function registerWith(beneficiary: Beneficiary, fields: object) {
    const event = await registrationOf(store, newReference(), { beneficiary })
    // When it was made is the domain's to say; here some are of one millisecond.
    const intent = { ...event.intent, ...fields }
    await store.register({ ...event, intent })
    return { intent }
  }
  const search = (digest = digestPerson) =>
    createTransferSearch({ redis, keys: store.keys, intents: store.intents, digestNumber: digest })
  const find = async (number: string, account?: string) =>
    (await search().search({ number, account, limit: 100 })).transfers.map(({ id }) => id)

  it('finds the transfers to a number, however it is grouped, over all partitions', async () => {
    const wanted = await Promise.all(Array.from({ length: 12 }, () => register(bank('DE44500105175407'))))
    await register(bank('DE44500105175408'))
    for (const text of ['DE44500105175407', 'de44 5001 0517 5407', 'DE44-5001.0517/5407'])
      assert.deepEqual((await find(text)).sort(), wanted.sort(), text)
    assert.deepEqual(await find('0DE44500105175407'), [])
  })

  it('takes an openid exactly as it is', async () => {
    const id = await register({ kind: 'wechatpay', openid: 'o-Upf8 uMu' })
    assert.deepEqual(await find('o-Upf8 uMu'), [id])
    assert.deepEqual(await find('O-UPF8 UMU'), [])
  })

  it('tells accounts apart where one is named', async () => {
    const id = await register(bank('4711'))
    assert.deepEqual(await find('4711', 'zeno-test'), [id])
    assert.deepEqual(await find('4711', 'other'), [])
  })

  it('shows page after page, newest first, each once, also of one millisecond', async () => {
    const at = Date.now()
    const made: string[] = []
    for (let i = 0; i < 25; i++)
      made.push(await register(bank('0815'), { createdAt: at + Math.floor(i / 10) }))
    const seen: { id: string; createdAt: number }[] = []
    for (let after: Place | undefined; ; ) {
      const page = await search().search({ number: '0815', after, limit: 4 })
      seen.push(...page.transfers)
      if (!page.next) break
      after = page.next
    }
    assert.deepEqual(seen.map(({ id }) => id).sort(), made.sort())
    const times = seen.map(({ createdAt }) => createdAt)
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
    )
  })

  it('goes on past other accounts’ transfers', async () => {
    const wanted = await register(bank('99'), { account: 'wanted', createdAt: 1 })
    for (let i = 0; i < 10; i++) await register(bank('99'))
    const { transfers, next } = await search().search({ number: '99', account: 'wanted', limit: 2 })
    assert.deepEqual([transfers.map(({ id }) => id), next], [[wanted], null])
  })

  it('leaves the number nowhere in Redis, and finds nothing by another key', async () => {
    const number = `7${Date.now()}4`
    await register(bank(number))
    const dump: string[] = []
    for (const key of await redis.keys(`${store.prefix}:*`)) {
      dump.push(key)
      const type = await redis.type(key)
      if (type === 'string') dump.push((await redis.get(key)) ?? '')
      else if (type === 'zset') dump.push(...(await redis.zrange(key, 0, '-1')))
      else if (type === 'hash') dump.push(JSON.stringify(await redis.hgetall(key)))
      else if (type === 'set') dump.push(...(await redis.smembers(key)))
      else if (type === 'stream') dump.push(JSON.stringify(await redis.xrange(key, '-', '+')))
      else assert.fail(`${key} is a ${type}, which this test does not read.`)
    }
    assert.ok(dump.length >= 6)
    assert.ok(!dump.join('\n').includes(number))
    const stranger = createDigest(new Uint8Array(randomBytes(32)))
    assert.deepEqual((await search(stranger).search({ number, limit: 10 })).transfers, [])
  })
})
