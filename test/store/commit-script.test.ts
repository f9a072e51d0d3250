/** Each check and each write of scripts/commit.lua by itself. */
import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { commitCommand, loadScripts } from '../../src/store/scripts.ts'
import { readTogether } from '../../src/store/together.ts'
import { createTransaction, readTransaction, type Transaction } from '../../src/store/transaction.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { until } from '../support/until.ts'

describe('the commit script', () => {
  const clients = createTestClients()
  let redis: Redis
  let k: (name: string) => string
  before(async () => {
    redis = await clients.open()
    loadScripts(redis)
  })
  beforeEach(() => {
    const prefix = uniquePrefix()
    k = (name) => `${prefix}:${name}`
  })
  after(() => clients.closeAll())

  async function run(transaction: Transaction) {
    const { keys, args } = transaction.toCall()
    const [answer] = await readTogether(redis, [[commitCommand, keys.length, ...keys, ...args]])
    return readTransaction(answer)
  }
  const written = (...results: unknown[]) => ({ outcome: 'written', results })
  const failed = (check: number, found: string | null) => ({ outcome: 'failed', check, found })

  describe('checks', () => {
    type Add = (transaction: Transaction, key: string) => Transaction
    const cases: [what: string, add: Add, value: string | undefined, holds: boolean][] = [
      ['absent: nothing', (t, key) => t.check('absent', key), undefined, true],
      ['absent: something', (t, key) => t.check('absent', key), '1 {}', false],
      ['waiting: nothing', (t, key) => t.check('waiting', key), undefined, true],
      ['waiting: a claim', (t, key) => t.check('waiting', key), '0 ?ba-1', true],
      ['waiting: a pointer', (t, key) => t.check('waiting', key), '0 >tr-1', false],
      ['waiting: a record', (t, key) => t.check('waiting', key), '1 {}', false],
      ['same: the text', (t, key) => t.check('same', key, 'text'), 'text', true],
      ['same: another', (t, key) => t.check('same', key, 'text'), 'text ', false],
      ['same: none, as expected', (t, key) => t.check('same', key, ''), undefined, true],
      ['same: none, unexpectedly', (t, key) => t.check('same', key, 'text'), undefined, false],
      ['version: it', (t, key) => t.check('version', key, '12'), '12 {"v":2}', true],
      ['version: a longer one', (t, key) => t.check('version', key, '1'), '12 {"v":2}', false],
      ['version: another', (t, key) => t.check('version', key, '12'), '13 {"v":2}', false],
      ['version: none', (t, key) => t.check('version', key, '12'), undefined, false],
      ['unsettled: nothing', (t, key) => t.check('unsettled', key), undefined, true],
      ['unsettled: waits for a person', (t, key) => t.check('unsettled', key), 'awaits-person {}', true],
      ['unsettled: applied', (t, key) => t.check('unsettled', key), 'applied {}', false],
      ['unsettled: held', (t, key) => t.check('unsettled', key), 'held {}', false],
    ]
    for (const [what, add, value, holds] of cases) {
      it(`${what}: ${holds ? 'holds' : 'fails, and nothing is written'}`, async () => {
        if (value !== undefined) await redis.set(k('checked'), value)
        const transaction = add(createTransaction(), k('checked')).do('SET', k('other'), 'written')
        assert.deepEqual(
          await run(transaction),
          holds ? written('OK') : failed(1, value ?? (what.startsWith('a') ? null : '')),
        )
        assert.equal(await redis.get(k('other')), holds ? 'written' : null)
      })
    }

    it('field: of a hash', async () => {
      await redis.hset(k('hash'), 'name', 'text')
      const add = (name: string, expected: string) =>
        run(createTransaction().check('field', k('hash'), name, expected).do('SET', k('other'), '1'))
      assert.deepEqual(await add('name', 'other'), failed(1, 'text'))
      assert.deepEqual(await add('none', 'text'), failed(1, ''))
      assert.equal(await redis.exists(k('other')), 0)
      assert.deepEqual(await add('none', ''), written('OK'))
      assert.deepEqual(await add('name', 'text'), written('OK'))
    })

    it('says which of them failed first', async () => {
      await redis.set(k('b'), '7 {}')
      const transaction = createTransaction()
        .check('absent', k('a'))
        .check('version', k('b'), '6')
        .check('absent', k('b'))
        .do('SET', k('a'), '1')
      assert.deepEqual(await run(transaction), failed(2, '7 {}'))
      assert.equal(await redis.exists(k('a')), 0)
    })
  })

  describe('writes', () => {
    it('do: any command, and answers what it answered', async () => {
      const transaction = createTransaction()
        .do('SET', k('a'), 'one')
        .do('HSET', k('h'), 'x', 1, 'y', 2)
        .do('ZADD', k('z'), 5, 'm')
        .do('GET', k('a'))
      assert.equal(transaction.writes(), 4)
      assert.deepEqual(await run(transaction), written('OK', 2, 1, 'one'))
      assert.deepEqual(await redis.hgetall(k('h')), { x: '1', y: '2' })
    })

    it('park: once each, and counted, up to the share', async () => {
      const park = (id: string, max = 2, account = 'acme') =>
        run(
          createTransaction().park(k('parked'), { counts: k('counts'), account, id, receipt: `R${id}`, max }),
        )
      assert.deepEqual(await park('1'), written(1))
      assert.deepEqual(await park('1'), written(1))
      assert.deepEqual(await park('2'), written(1))
      assert.deepEqual(await park('3'), written(0))
      assert.deepEqual(await park('3', 2, 'other'), written(1))
      assert.deepEqual(await redis.hgetall(k('parked')), { 1: 'R1', 2: 'R2', 3: 'R3' })
      assert.deepEqual(await redis.hgetall(k('counts')), { acme: '2', other: '1' })
    })

    it('unpark: all of it, and gives the share back', async () => {
      const unpark = () =>
        run(
          createTransaction().unpark(k('parked'), {
            counts: k('counts'),
            ready: k('ready'),
            account: 'acme',
          }),
        )
      assert.deepEqual(await unpark(), written(0))
      await redis.hset(k('parked'), { 1: 'R1', 2: 'R2' })
      await redis.hset(k('counts'), { acme: 5 })
      assert.deepEqual(await unpark(), written(2))
      assert.deepEqual(await redis.hgetall(k('ready')), { 1: 'R1', 2: 'R2' })
      assert.deepEqual(await redis.hgetall(k('counts')), { acme: '3' })
      assert.equal(await redis.exists(k('parked')), 0)
    })

    const tally = (from: string | undefined, to: string, final: 1 | 0 | -1, minor = 10n) =>
      run(
        createTransaction().tally(k('totals'), {
          due: k('due'),
          batch: 'ba-1',
          from: from === undefined ? undefined : { state: from, minor },
          to: { state: to, minor },
          final,
        }),
      )

    it('tally: out of one sum and into the other, with a version', async () => {
      assert.deepEqual(await tally(undefined, 'registered', 0), written(0))
      assert.deepEqual(await tally('registered', 'succeeded', 1), written(1))
      assert.deepEqual(await redis.hgetall(k('totals')), {
        'n:registered': '0',
        'm:registered': '0',
        'n:succeeded': '1',
        'm:succeeded': '10',
        final: '1',
        version: '2',
      })
    })

    it('tally: exact beyond what a float holds', async () => {
      const large = 900_719_925_474_099_301n
      await tally(undefined, 'registered', 0, large)
      await tally(undefined, 'registered', 0, 2n)
      assert.equal(await redis.hget(k('totals'), 'm:registered'), (large + 2n).toString())
      await tally('registered', 'failed', 1, large)
      assert.equal(await redis.hget(k('totals'), 'm:registered'), '2')
    })

    it('tally: the batch is due at any movement, or at the last alone', async () => {
      const due = async () =>
        (await redis.smembers(k('due'))).length === 1 && (await redis.del(k('due'))) === 1
      await redis.hset(k('totals'), { count: 2, watch: 'any' })
      await tally(undefined, 'registered', 0)
      assert.equal(await due(), true)
      await redis.hset(k('totals'), { watch: 'last' })
      await tally('registered', 'succeeded', 1)
      assert.equal(await due(), false)
      await tally('registered', 'failed', 1)
      assert.equal(await due(), true)
      await tally('failed', 'succeeded', 0)
      assert.equal(await due(), true, 'of one that is complete any movement is the last')
    })

    it('trim-cases: the oldest beyond so many', async () => {
      for (const i of [1, 2, 3, 4]) {
        await redis.zadd(k('index'), 0, `0${i}.c${i}`)
        await redis.hset(k('cases'), `c${i}`, 'x')
      }
      const trim = (max: number) =>
        run(createTransaction().trimCases(k('index'), { cases: k('cases'), max, skip: 3 }))
      assert.deepEqual(await trim(4), written(0))
      assert.deepEqual(await trim(2), written(2))
      assert.deepEqual(await redis.zrange(k('index'), '0', '-1'), ['03.c3', '04.c4'])
      assert.deepEqual((await redis.hkeys(k('cases'))).sort(), ['c3', 'c4'])
    })

    it('publish: to whoever listens', async () => {
      const listener = await clients.open()
      const heard: string[] = []
      listener.on('message', (_, message) => heard.push(message))
      await listener.subscribe(k('wake'))
      await run(createTransaction().do('SET', k('a'), '1').publish(k('wake'), '3'))
      await until('the hint', () => heard.length > 0)
      assert.deepEqual(heard, ['3'])
    })
  })
})
