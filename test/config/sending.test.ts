import assert from 'node:assert/strict'
import { z } from 'zod'
import { resolveSending, sendingFields, usualWatch } from '../../src/config/accounts/sending.ts'
import { AppError } from '../../src/domain/errors.ts'

const schema = z.strictObject(sendingFields)
const read = (file: object, usual?: typeof usualWatch) =>
  resolveSending(schema.parse(file), 'accounts[0]', usual)

describe('configuration of sending and asking', () => {
  it('sends, and asks as is usual, where nothing is said', () => {
    assert.deepEqual(read({}), {
      paused: false,
      watch: { firstMs: 30_000, everyMs: 60_000, overdueMs: 3_600_000, giveUpMs: 604_800_000 },
      calls: { perSecond: undefined, timeoutMs: 15_000 },
    })
  })

  it('takes each for itself, and a provider’s own where one is not said', () => {
    const file = {
      submissions: 'paused',
      watch: { everySeconds: 90, overdueAfterMinutes: 5 },
      calls: { perSecond: 7, timeoutSeconds: 3 },
    }
    assert.deepEqual(read(file, { ...usualWatch, firstMs: 20_000 }), {
      paused: true,
      watch: { firstMs: 20_000, everyMs: 90_000, overdueMs: 300_000, giveUpMs: 604_800_000 },
      calls: { perSecond: 7, timeoutMs: 3_000 },
    })
    assert.deepEqual(
      read({ watch: { firstAfterSeconds: 1, giveUpAfterDays: 365, overdueAfterMinutes: 525_600 } }).watch,
      { firstMs: 1_000, everyMs: 60_000, overdueMs: 525_600 * 60_000, giveUpMs: 365 * 86_400_000 },
    )
  })

  it('never gives up before it is overdue', () => {
    const late = { watch: { overdueAfterMinutes: 2 * 24 * 60, giveUpAfterDays: 1 } }
    assert.throws(
      () => read(late),
      (error: unknown) =>
        error instanceof AppError &&
        error.code === 'invalid-configuration' &&
        error.detail.startsWith('accounts[0].watch.giveUpAfterDays: '),
    )
    assert.equal(
      read({ watch: { overdueAfterMinutes: 1440, giveUpAfterDays: 1 } }).watch.giveUpMs,
      86_400_000,
    )
  })

  const refused: [string, object, (string | number)[]][] = [
    ['another word', { submissions: 'off' }, ['submissions']],
    ['a setting that is not known', { watch: { first: 1 } }, ['watch']],
    ['no time at all', { watch: { firstAfterSeconds: 0 } }, ['watch', 'firstAfterSeconds']],
    ['more than a day between questions', { watch: { everySeconds: 86_401 } }, ['watch', 'everySeconds']],
    ['a part of a minute', { watch: { overdueAfterMinutes: 0.5 } }, ['watch', 'overdueAfterMinutes']],
    ['more than a year', { watch: { giveUpAfterDays: 366 } }, ['watch', 'giveUpAfterDays']],
    ['no calls', { calls: { perSecond: 0 } }, ['calls', 'perSecond']],
    ['a number as text', { calls: { perSecond: '5' } }, ['calls', 'perSecond']],
    [
      'an answer that may take longer than two minutes',
      { calls: { timeoutSeconds: 121 } },
      ['calls', 'timeoutSeconds'],
    ],
  ]
  for (const [title, file, path] of refused) {
    it(`refuses ${title}`, () => {
      const { success, error } = schema.safeParse(file)
      assert.equal(success, false)
      assert.deepEqual(error?.issues[0]?.path, path)
    })
  }
})
