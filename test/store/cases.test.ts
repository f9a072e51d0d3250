import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { AppError } from '../../src/domain/errors.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { isCasePlace } from '../../src/store/cases.ts'
import { commitCommand } from '../../src/store/scripts.ts'
import { createTestCases } from '../support/cases.ts'
import { createTestClients } from '../support/redis.ts'
import { ids } from '../support/store.ts'

/** What else a store of cases has to do stands in the contract. */
describe('cases on Redis', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  const failure = () => ({
    account: 'wx-test',
    receipt: ids.receiptId(),
    code: 'callback-not-understood' as const,
    reason: 'No APIv3 key opens it.',
  })

  /** The first so many writes find that somebody was quicker. */
  function losing(times: number) {
    let left = times
    const client = Object.create(redis, {
      defineCommand: { value: () => {} },
      [commitCommand]: {
        value: (...args: (string | number)[]) =>
          left-- > 0
            ? Promise.resolve([[1, 'other']])
            : (redis as unknown as Record<string, (...args: unknown[]) => unknown>)[commitCommand]?.(...args),
      },
    }) as Redis
    return { client, left: () => left }
  }

  it('are not written over what somebody else made of them meanwhile', async () => {
    const { client, left } = losing(2)
    createTestCases(redis)
    assert.equal(await createTestCases(client).cases.open(failure()), 'opened')
    assert.equal(left(), -1)
  })

  it('are given up on where one never rests', async () => {
    const { client } = losing(Number.POSITIVE_INFINITY)
    await assert.rejects(
      createTestCases(client).cases.open(failure()),
      (error) => error instanceof AppError && error.code === 'commit-contended',
    )
  })

  it('lie where what they are about lies, and leave nothing where there are none', async () => {
    const { keys, cases } = createTestCases(redis)
    assert.equal(await cases.settle(ids.receiptId()), 'nothing-open')
    const prefix = keys.meta.split(':')[0] ?? ''
    assert.deepEqual(await redis.keys(`${prefix}*`), [])
    const one = failure()
    await cases.open(one)
    const id = caseIdOfReceipt(one.receipt)
    assert.equal(await redis.hexists(keys.cases(keys.partitionOf(id)), id), 1)
  })

  it('know a place of theirs', () => {
    const id = caseIdOfReceipt(ids.receiptId())
    assert.ok(isCasePlace(`01800000000000.${id}`))
    for (const text of ['', id, `1.${id}`, '01800000000000.', `01800000000000.${id}x`])
      assert.equal(isCasePlace(text), false, text)
  })
})
