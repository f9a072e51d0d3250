import assert from 'node:assert/strict'
import fc from 'fast-check'
import { AppError } from '../../src/domain/errors.ts'
import { decodeCursor, encodeCursor } from '../../src/events/cursor.ts'
import { comparePositions } from '../../src/events/position.ts'
import { testEpoch } from '../support/feed.ts'

const isRefused = (error: unknown) => error instanceof AppError && error.code === 'invalid-cursor'
const positionOf = fc
  .tuple(fc.nat({ max: 999_999_999_999_999 }), fc.nat({ max: 999_999 }))
  .map(([ms, number]) => `${ms}-${number}`)
const positionsOf = fc.array(positionOf, { minLength: 1, maxLength: 64 })
const epochOf = fc
  .uint8Array({ minLength: 9, maxLength: 9 })
  .filter((bytes) => bytes.some((byte) => byte !== 0))
  .map((bytes) => Buffer.from(bytes).toString('base64url'))

/** As an earlier version wrote it. */
const encodeFirst = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('cursor', () => {
  it('comes back as it went out, with its epoch', () => {
    fc.assert(
      fc.property(positionsOf, epochOf, (positions, epoch) => {
        const text = encodeCursor(positions, epoch)
        assert.match(text, /^[\w-]+$/)
        assert.deepEqual(decodeCursor(text, positions.length), { epoch, positions })
      }),
    )
    assert.deepEqual(decodeCursor(encodeCursor(['1-0']), 1), { positions: ['1-0'] })
  })

  it('is short: eight partitions that were written to within a minute take less than 90 characters', () => {
    const now = 1_795_000_000_000
    const positions = Array.from({ length: 8 }, (_, i) => `${now + i * 7_000}-${i}`)
    assert.ok(encodeCursor(positions, testEpoch).length < 90, encodeCursor(positions, testEpoch))
  })

  it('of the version before is understood', () => {
    const positions = ['1700000000000-0', '0-0', '1700000000001-12']
    assert.deepEqual(decodeCursor(encodeFirst([1, ...positions]), 3), { positions })
  })

  it('orders positions by number and not by text', () => {
    assert.ok(comparePositions('9-0', '10-0') < 0)
    assert.ok(comparePositions('10-9', '10-10') < 0)
    assert.equal(comparePositions('5-5', '5-5'), 0)
  })

  describe('that is not one of ours is refused', () => {
    it('of another form, another number of partitions, or with something that is no position', () => {
      const wrong = [
        'x',
        '',
        encodeFirst({}),
        encodeFirst(null),
        encodeFirst([1, '0-0']),
        encodeFirst([2, '0-0', '0-0']),
        encodeFirst([1, '0-0', '-']),
        encodeFirst([1, '0-0', 7]),
        encodeFirst([1, '0-0', '9999999999999999-0']),
        encodeCursor(['0-0', '0-0', '0-0', '0-0'], testEpoch),
        encodeCursor(['0-0'], testEpoch),
        `${encodeCursor(['0-0', '0-0'], testEpoch)}=`,
        ` ${encodeCursor(['0-0', '0-0'], testEpoch)}`,
      ]
      for (const text of wrong) assert.throws(() => decodeCursor(text, 2), isRefused, text)
    })

    it('whatever text it is', () => {
      const texts = fc.oneof(fc.string(), fc.base64String(), fc.string({ unit: 'binary' }))
      fc.assert(fc.property(texts, (text) => refusesOrReads(text)))
    })

    it('whatever bytes it is, after ours as well', () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.of(2, ...rest)),
      )
      fc.assert(fc.property(bytes, (one) => refusesOrReads(Buffer.from(one).toString('base64url'))))
    })

    it('cut, or with a letter changed: refused, or read as what it says and nothing else', () => {
      fc.assert(
        fc.property(positionsOf, epochOf, fc.nat(), fc.nat(255), (positions, epoch, at, byte) => {
          const bytes = Buffer.from(encodeCursor(positions, epoch), 'base64url')
          refusesOrReads(bytes.subarray(0, at % bytes.length).toString('base64url'))
          bytes[at % bytes.length] = byte
          refusesOrReads(bytes.toString('base64url'))
        }),
      )
    })
  })
})

/** Nothing but a refusal is thrown, and what is read is what would be written. */
function refusesOrReads(text: string): void {
  for (const partitions of [1, 2, 4, 8]) {
    try {
      const { positions, epoch } = decodeCursor(text, partitions)
      assert.equal(positions.length, partitions)
      assert.ok(positions.every((position) => /^\d{1,15}-\d{1,15}$/.test(position)))
      if (epoch !== undefined) assert.equal(encodeCursor(positions, epoch), text)
    } catch (error) {
      assert.ok(isRefused(error), String(error))
    }
  }
}
