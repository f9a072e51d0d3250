import assert from 'node:assert/strict'
import type { Collection } from '../../src/domain/collection.ts'
import { completeCollection, decideCollection } from '../../src/domain/decide-collection.ts'
import type { CollectionId } from '../../src/domain/ids.ts'
import type { CollectionObservation } from '../../src/domain/observation.ts'
import { collection, now, outcomeOf, rupiah, seenCollection as seen } from '../support/intents.ts'

const decide = (fields: Partial<CollectionObservation>) => decideCollection(collection(), seen(fields), now)

describe('decideCollection', () => {
  it('is made by its first observation', () => {
    const made = { id: 'pi-1' as CollectionId, personal: { person: 'p', sealed: '' }, contentDigest: '' }
    const { fact, intent } = completeCollection(made, seen({ occurredAt: now - 1 }), now)
    assert.deepEqual([fact.name, fact.sequence, fact.change.from], ['completed', 1, null])
    assert.deepEqual(
      [intent.amount, intent.fee, intent.net, intent.completedAt, intent.settledBy],
      [rupiah(500n), rupiah(5n), rupiah(495n), now - 1, 'rc-1'],
    )
  })

  it('takes the same again for a repeat, whatever of it is left out', () => {
    for (const fields of [{}, { channel: 'QRIS' }, { occurredAt: now + 1 }])
      assert.equal(decide(fields).verdict, 'repeat')
    const { fee: _, net: __, ...less } = seen()
    assert.equal(decideCollection(collection(), less, now).verdict, 'repeat')
  })

  it('reports the fee and the net that a repeat tells first, once', () => {
    const { fee: _, net: __, ...rest } = collection()
    const bare: Collection = rest
    const decision = decideCollection(bare, seen(), now)
    assert.ok(decision.verdict === 'applied')
    assert.deepEqual(
      decision.steps.map(({ fact }) => fact.name),
      ['reported'],
    )
    const after = outcomeOf(bare, decision)
    assert.deepEqual([after.fee, after.net, after.state], [rupiah(5n), rupiah(495n), 'completed'])
    assert.equal(decideCollection(after, seen(), now).verdict, 'repeat')
    assert.equal(decideCollection(after, seen({ fee: rupiah(6n) }), now).verdict, 'held')
  })

  const differences: [string, Partial<CollectionObservation>][] = [
    ['amount-differs', { amount: rupiah(501n) }],
    ['amount-differs', { fee: rupiah(6n) }],
    ['amount-differs', { net: rupiah(494n) }],
    ['currency-differs', { amount: { minor: 500n, currency: 'CNY' } }],
    ['reference-differs', { reference: 'ref-2' }],
  ]
  for (const [reason, fields] of differences) {
    it(`holds where ${reason.replaceAll('-', ' ')}: ${Object.keys(fields).join()}`, () => {
      const decision = decide(fields)
      assert.ok(decision.verdict === 'held')
      assert.equal(decision.reason, reason)
      const held = outcomeOf(collection(), decision)
      assert.deepEqual(held.amount, rupiah(500n))
      assert.equal(decideCollection(held, seen(), now).verdict, 'awaits-person')
    })
  }
})
