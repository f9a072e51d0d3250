/** Jobs share rounds, and learn nothing of each other. */
import assert from 'node:assert/strict'
import { AppError } from '../../src/domain/errors.ts'
import type { ReceiptId } from '../../src/domain/ids.ts'
import type { OpenReceipt } from '../../src/domain/receipt.ts'
import type { BroughtReceipt } from '../../src/workers/observe.ts'
import type { FailedReceipt } from '../../src/workers/reconcile.ts'
import { shareRounds } from '../../src/workers/share-rounds.ts'
import { until } from '../support/until.ts'

function receipt(name: string): OpenReceipt {
  const head = { account: 'acme', receivedAt: 0, keyId: 'key', digest: '', headers: {} }
  return { ...head, id: `rc-${name}` as ReceiptId, opened: Buffer.alloc(0) }
}

describe('rounds that jobs share', () => {
  let calls: string[][]
  let fail: (id: string, calledWith: number) => AppError | undefined
  let gate: Promise<void>

  beforeEach(() => {
    calls = []
    fail = () => undefined
    gate = Promise.resolve()
  })

  const shared = () =>
    shareRounds({
      async applyAll(receipts: readonly BroughtReceipt[]): Promise<FailedReceipt[]> {
        calls.push(receipts.map(({ id }) => id.slice(3)))
        await gate
        return receipts.flatMap((one) => {
          const error = fail(one.id.slice(3), receipts.length)
          return error ? [{ receipt: one, error }] : []
        })
      },
    })

  it('takes those along that came at the same moment, in their order', async () => {
    const { applyOne, applyAll } = shared()
    await Promise.all([
      applyOne(receipt('a')),
      applyAll([receipt('b'), receipt('c')]),
      applyOne(receipt('d')),
    ])
    assert.deepEqual(calls, [['a', 'b', 'c', 'd']])
  })

  it('has few under way, and those that wait go together', async () => {
    let open = () => {}
    gate = new Promise((resolve) => {
      open = resolve
    })
    const { applyOne } = shared()
    const done: Promise<void>[] = []
    for (let i = 0; i < 4; i++) {
      done.push(applyOne(receipt(`first-${i}`)) as Promise<void>)
      await until('a round is under way', async () => calls.length === i + 1)
    }
    for (let i = 0; i < 200; i++) done.push(applyOne(receipt(`later-${i}`)) as Promise<void>)
    await new Promise(setImmediate)
    assert.equal(calls.length, 4)
    open()
    await Promise.all(done)
    assert.deepEqual(
      calls.slice(4).map((call) => call.length),
      [128, 72],
    )
  })

  it('tells each job of its own failures alone', async () => {
    fail = (id) => (id === 'b' ? new AppError('callback-not-understood') : undefined)
    const { applyOne, applyAll } = shared()
    const [a, b, group] = await Promise.allSettled([
      applyOne(receipt('a')),
      applyOne(receipt('b')),
      applyAll([receipt('c'), receipt('d')]),
    ])
    assert.equal(a.status, 'fulfilled')
    assert.equal(b.status === 'rejected' && (b.reason as AppError).code, 'callback-not-understood')
    assert.deepEqual(group, { status: 'fulfilled', value: [] })
    assert.equal(calls.length, 1)
  })

  it('tries by itself what failed in company without a known reason', async () => {
    fail = (id, count) => (count > 1 || id === 'bad' ? new AppError('internal-error') : undefined)
    const { applyOne } = shared()
    const [good, bad] = await Promise.allSettled([applyOne(receipt('good')), applyOne(receipt('bad'))])
    assert.equal(good.status, 'fulfilled')
    assert.equal(bad.status, 'rejected')
    assert.deepEqual(calls, [['good', 'bad'], ['good'], ['bad']])
  })

  it('goes on after a round that broke', async () => {
    gate = Promise.reject(new Error('broken'))
    gate.catch(() => {})
    const { applyOne } = shared()
    await assert.rejects(async () => applyOne(receipt('a')), /broken/)
    gate = Promise.resolve()
    await applyOne(receipt('b'))
    assert.deepEqual(calls, [['a'], ['b']])
  })
})
