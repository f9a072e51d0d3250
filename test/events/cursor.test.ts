import assert from 'node:assert/strict'
import { AppError } from '../../src/domain/errors.ts'
import { decodeCursor, encodeCursor } from '../../src/events/cursor.ts'
import { comparePositions } from '../../src/events/position.ts'

describe('cursor', () => {
  it('comes back as it went out', () => {
    const positions = ['1700000000000-0', '0-0', '1700000000001-12']
    assert.deepEqual(decodeCursor(encodeCursor(positions), 3), { positions })
  })

  it('is refused when it is not one of ours', () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const wrong = [
      'x',
      '',
      encode({}),
      encode([1, '0-0']),
      encode([2, '0-0', '0-0']),
      encode([1, '0-0', '-']),
      encode([1, '0-0', 7]),
      encodeCursor(['0-0', '0-0', '0-0', '0-0']),
    ]
    for (const text of wrong) {
      assert.throws(
        () => decodeCursor(text, 2),
        (error) => error instanceof AppError && error.code === 'invalid-cursor',
        text,
      )
    }
  })

  it('orders positions by number and not by text', () => {
    assert.ok(comparePositions('9-0', '10-0') < 0)
    assert.ok(comparePositions('10-9', '10-10') < 0)
    assert.equal(comparePositions('5-5', '5-5'), 0)
  })
})
