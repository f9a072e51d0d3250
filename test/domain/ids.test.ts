import assert from 'node:assert/strict'
import {
  createIdMaker,
  encodeBytes,
  eventIdOf,
  readReceiptId,
  receiptIdFloor,
  type TransferId,
} from '../../src/domain/ids.ts'

describe('ids', () => {
  it('sort by the time they were minted, whatever is random in them', () => {
    let now = 1_700_000_000_000
    const ids = createIdMaker(
      () => now,
      (count) => new Uint8Array(count).fill(now % 2 ? 0 : 255),
    )
    const minted = Array.from({ length: 50 }, () => {
      now += 1
      return ids.receiptId()
    })
    assert.deepEqual([...minted].sort(), minted)
  })

  it('sort by age also within a millisecond, and when the clock is set back', () => {
    let now = 1_700_000_000_000
    const ids = createIdMaker(
      () => now,
      (count) => new Uint8Array(count).map(() => Math.floor(Math.random() * 256)),
    )
    const minted = Array.from({ length: 70_000 }, () => ids.receiptId())
    now -= 60_000
    minted.push(ids.receiptId())
    assert.deepEqual([...minted].sort(), minted)
    assert.equal(new Set(minted).size, minted.length)
  })

  it('may be BullMQ job ids: no colon, not digits alone', () => {
    const ids = createIdMaker(
      () => 0,
      (count) => new Uint8Array(count),
    )
    assert.match(ids.receiptId(), /^rc-[0-9a-z]{26}$/)
    assert.match(ids.jobId(), /^group-[0-9a-z]{26}$/)
  })

  it('know which were minted before a moment', () => {
    const at = 1_700_000_000_000
    const mint = (ms: number, byte: number) =>
      createIdMaker(
        () => ms,
        (count) => new Uint8Array(count).fill(byte),
      ).receiptId()
    assert.ok(mint(at - 1, 255) < receiptIdFloor(at))
    assert.ok(mint(at, 0) > receiptIdFloor(at))
  })

  it('read a receipt’s id only if it can be one', () => {
    const ids = createIdMaker(Date.now, (count) => new Uint8Array(count))
    const id = ids.receiptId()
    assert.equal(readReceiptId(id), id)
    for (const text of ['', 'rc-', `${id}0`, id.toUpperCase(), ids.jobId(), '+', `(${id}`])
      assert.equal(readReceiptId(text), undefined, text)
  })

  it('name one event per transfer and sequence', () => {
    assert.equal(eventIdOf('tr-abc' as TransferId, 3), 'ev-tr-abc-3')
  })

  it('encode every bit', () => {
    assert.equal(encodeBytes(new Uint8Array(5)), '00000000')
    assert.equal(encodeBytes(new Uint8Array(5).fill(255)), 'zzzzzzzz')
    assert.equal(encodeBytes(Uint8Array.of(0, 0, 0, 0, 1)), '00000001')
  })
})
