import assert from 'node:assert/strict'
import { parseTime } from '../../src/domain/time.ts'

describe('time', () => {
  it('reads both forms that Zenospay writes', () => {
    assert.equal(parseTime('2025-01-10T00:54:42+07:00'), Date.UTC(2025, 0, 9, 17, 54, 42))
    assert.equal(parseTime('2025-01-01T00:00:00.000000Z'), Date.UTC(2025, 0, 1))
    assert.equal(parseTime('2024-02-29T23:59:59.123456-01:30'), Date.UTC(2024, 2, 1, 1, 29, 59, 123))
  })

  it('refuses what names no moment', () => {
    const not = [
      '',
      '2025-01-10',
      '2025-01-10T00:54:42',
      '2025-01-10 00:54:42Z',
      '2025-13-01T00:00:00Z',
      '2025-02-30T00:00:00Z',
      '1736445282',
      '2025-01-10T25:00:00Z',
      '2025-01-10T00:54:42+0700',
    ]
    for (const text of not) assert.equal(parseTime(text), undefined, text)
  })
})
