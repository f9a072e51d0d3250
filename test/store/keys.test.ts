import assert from 'node:assert/strict'
import { createKeys, readTransferId, transferIdOf } from '../../src/store/keys.ts'

const keys = createKeys('tallyhook', 8)

describe('keys', () => {
  it('give everything that one commit touches the same hash tag', () => {
    const id = transferIdOf('zeno-main', 'RLG1')
    const partition = keys.partitionOf(id)
    const all = [
      keys.transfer(id),
      keys.parked(id),
      keys.receipt(partition, 'rc-1' as never),
      keys.ready(partition),
      keys.events(partition),
      keys.eventsCopy(partition),
      keys.eventsOld(partition),
      keys.beneficiary(partition, 'digest'),
      keys.queriesWanted(partition),
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
      keys.cases('zeno-main'),
      keys.casesIn('zeno-main', 'open'),
      keys.casesIn('zeno-main', 'resolved'),
    ]
    for (const key of all) assert.match(key, /^tallyhook:\{a:zeno-main\}:/)
    assert.equal(new Set(all).size, all.length)
  })

  it('know what lies sealed under them, and what does not', () => {
    const id = transferIdOf('zeno-main', 'RLG1')
    assert.deepEqual(keys.classify(keys.transfer(id)), { kind: 'transfer', id })
    assert.deepEqual(keys.classify(keys.receipt(3, 'rc-1' as never)), { kind: 'receipt', id: 'rc-1' })
    assert.deepEqual(keys.classify(keys.parked(id)), { kind: 'parked' })
    assert.deepEqual(keys.classify(keys.quarantine('tr-x')), { kind: 'quarantine' })
    const others = [
      keys.quarantineIndex('a'),
      keys.keyUsage('a'),
      keys.cases('a'),
      keys.casesIn('a', 'open'),
      keys.beneficiary(1, 'tr-x'),
      keys.events(1),
      keys.ready(1),
    ]
    for (const key of others) assert.equal(keys.classify(key), undefined, key)
  })

  it('derive one id from an account and a reference, and never the same from two', () => {
    assert.equal(transferIdOf('a', 'bc'), transferIdOf('a', 'bc'))
    assert.notEqual(transferIdOf('a', 'bc'), transferIdOf('ab', 'c'))
    assert.notEqual(transferIdOf('a', 'b:c'), transferIdOf('a:b', 'c'))
  })

  it('spread transfers over all partitions', () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 4000; i++) {
      const partition = keys.partitionOf(transferIdOf('zeno-main', `RLG${i}`))
      counts.set(partition, (counts.get(partition) ?? 0) + 1)
    }
    assert.equal(counts.size, 8)
    for (const count of counts.values()) assert.ok(count > 400 && count < 600, `${count} of 4000`)
  })

  it('read an id only if it can be one', () => {
    const id = transferIdOf('a', 'b')
    assert.equal(readTransferId(id), id)
    for (const text of ['', 'tr-', `${id}x`, id.toUpperCase(), `${id.slice(0, -1)}*`, '../../etc'])
      assert.equal(readTransferId(text), undefined)
  })
})
