import assert from 'node:assert/strict'
import type { Observation } from '../../src/domain/observation.ts'
import {
  aliasIdOf,
  batchIdOf,
  collectionIdOf,
  couponIdOf,
  kindOf,
  memberIdOf,
  readBatchId,
  readCollectionId,
  readCouponId,
  readTransferId,
  targetOf,
  transferIdOf,
} from '../../src/store/ids.ts'
import { createKeys } from '../../src/store/keys.ts'

describe('ids of intents', () => {
  it('are one for an account and a reference, and never the same for two', () => {
    assert.equal(transferIdOf('a', 'bc'), transferIdOf('a', 'bc'))
    assert.notEqual(transferIdOf('a', 'bc'), transferIdOf('ab', 'c'))
    assert.notEqual(transferIdOf('a', 'b:c'), transferIdOf('a:b', 'c'))
    const kinds = [transferIdOf, batchIdOf, couponIdOf, collectionIdOf].map((of) => of('a', 'b').slice(3))
    assert.equal(new Set(kinds).size, 4)
    assert.notEqual(aliasIdOf('coupon', 'a', 'b'), aliasIdOf('payout', 'a', 'b'))
  })

  it('put a batch’s transfers beside it', () => {
    const keys = createKeys('tallyhook', 128)
    for (let i = 0; i < 50; i++) {
      const batch = batchIdOf('acme', `b-${i}`)
      const member = memberIdOf(batch, 'm-1')
      assert.equal(keys.partitionOf(member), keys.partitionOf(batch))
      assert.equal(readTransferId(member), member)
      assert.notEqual(member, transferIdOf('acme', 'm-1'))
      assert.notEqual(member, memberIdOf(batchIdOf('acme', 'other'), 'm-1'))
    }
  })

  it('are read only where they can be one', () => {
    const ids = [
      [readTransferId, transferIdOf('a', 'b')],
      [readBatchId, batchIdOf('a', 'b')],
      [readCouponId, couponIdOf('a', 'b')],
      [readCollectionId, collectionIdOf('a', 'b')],
    ] as const
    for (const [read, id] of ids) {
      assert.equal(read(id), id)
      for (const text of ['', id.slice(0, 3), `${id}x`, id.toUpperCase(), `${id.slice(0, -1)}*`, '../../etc'])
        assert.equal(read(text), undefined)
      for (const [, other] of ids) if (other !== id) assert.equal(read(other), undefined)
    }
    assert.deepEqual(
      ids.map(([, id]) => kindOf(id)),
      ['transfer', 'batch', 'coupon', 'collection'],
    )
  })

  it('lead what is observed to what it is about', () => {
    const base = { source: 'callback' as const, receiptId: 'rc-1' as never, account: 'a' }
    const amount = { minor: 1n, currency: 'THB' }
    const transfer = { ...base, kind: 'transfer', reference: 'r', status: 'succeeded' } as const
    const expected: [Observation, string][] = [
      [transfer, transferIdOf('a', 'r')],
      [{ ...transfer, batch: 'b' }, memberIdOf(batchIdOf('a', 'b'), 'r')],
      [{ ...base, kind: 'batch', reference: 'b', status: 'closed' }, batchIdOf('a', 'b')],
      [{ ...base, kind: 'coupon-grant', reference: 'c', status: 'granted' }, couponIdOf('a', 'c')],
      [
        {
          ...base,
          kind: 'coupon-use',
          couponNumber: '7',
          stockId: 's',
          transaction: 't',
          amount,
          occurredAt: 1,
        },
        aliasIdOf('coupon', 'a', '7'),
      ],
      [
        { ...base, kind: 'collection', transaction: 't', reference: 'r', amount, secrets: undefined },
        collectionIdOf('a', 't'),
      ],
    ]
    for (const [seen, id] of expected) assert.equal(targetOf(seen), id)
  })
})
