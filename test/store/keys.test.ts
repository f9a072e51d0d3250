import assert from 'node:assert/strict'
import { caseIdOfHold } from '../../src/domain/ids.ts'
import { aliasIdOf, batchIdOf, couponIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { createKeys } from '../../src/store/keys.ts'

const keys = createKeys('tallyhook', 8)

describe('keys', () => {
  it('give everything that one commit touches the same hash tag', () => {
    const batch = batchIdOf('zeno-main', 'B1')
    const id = memberIdOf(batch, 'RLG1')
    const partition = keys.partitionOf(id)
    const held = caseIdOfHold(id, 3)
    assert.equal(keys.partitionOf(held), partition)
    const all = [
      keys.intent(id),
      keys.intent(batch),
      keys.parked(id),
      keys.parkedCounts(partition),
      keys.receipt(partition, 'rc-1' as never),
      keys.heard(id),
      keys.ready(partition),
      keys.events(partition),
      keys.watch(partition, 'zeno-main'),
      keys.final(partition, 'zeno-main'),
      keys.repeats(partition),
      keys.totals(batch),
      keys.members(batch),
      keys.dueBatches(partition),
      keys.registering(partition),
      keys.draft(batch),
      keys.cases(partition),
      keys.casesIn(partition, 'zeno-main', 'open'),
      keys.casesIn(partition, 'zeno-main', 'resolved'),
      keys.caseAccounts(partition),
      keys.person(partition, 'digest'),
      keys.payee(partition, 'digest'),
    ]
    for (const key of all) assert.match(key, new RegExp(`^tallyhook:\\{t:${partition}\\}:`))
    assert.equal(new Set(all).size, all.length)
  })

  it('give everything of an account the same hash tag', () => {
    const all = [
      keys.quarantine('zeno-main'),
      keys.quarantineIndex('zeno-main'),
      keys.keyUsage('zeno-main'),
      keys.refusals('zeno-main'),
      keys.calls('zeno-main'),
      keys.callCounts('zeno-main'),
      keys.pause('zeno-main'),
      keys.balance('zeno-main'),
    ]
    for (const key of all) assert.match(key, /^tallyhook:\{a:zeno-main\}:/)
    assert.equal(new Set(all).size, all.length)
  })

  it('know what the keyring seals under them, and what it does not', () => {
    const id = transferIdOf('zeno-main', 'RLG1')
    assert.deepEqual(keys.classify(keys.parked(id)), { kind: 'parked' })
    assert.deepEqual(keys.classify(keys.parked(aliasIdOf('coupon', 'a', '7'))), { kind: 'parked' })
    assert.deepEqual(keys.classify(keys.quarantine('tr-x')), { kind: 'quarantine' })
    assert.deepEqual(keys.classify(keys.person(3, 'who')), { kind: 'person', digest: 'who' })
    assert.deepEqual(keys.classify(keys.intent(id)), { kind: 'intent', id })
    const others = [
      keys.receipt(3, 'rc-1' as never),
      keys.heard(id),
      keys.quarantineIndex('a'),
      keys.keyUsage('a'),
      keys.cases(1),
      keys.casesIn(1, 'a', 'open'),
      keys.payee(1, 'tr-x'),
      keys.parkedCounts(1),
      keys.events(1),
    ]
    for (const key of others) assert.equal(keys.classify(key), undefined, key)
  })

  it('spread intents of every kind over all partitions', () => {
    for (const idOf of [transferIdOf, batchIdOf, couponIdOf]) {
      const counts = new Map<number, number>()
      for (let i = 0; i < 4000; i++) {
        const partition = keys.partitionOf(idOf('zeno-main', `RLG${i}`))
        counts.set(partition, (counts.get(partition) ?? 0) + 1)
      }
      assert.equal(counts.size, 8)
      for (const count of counts.values()) assert.ok(count > 400 && count < 600, `${count} of 4000`)
    }
  })
})
