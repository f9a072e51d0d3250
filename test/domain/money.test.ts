import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatAmount, parseAmount, parseProviderAmount } from '../../src/domain/money.ts'

function minor(text: string, currency = 'IDR'): bigint | string {
  const parsed = parseAmount(text, currency)
  return parsed.ok ? parsed.money.minor : parsed.problem
}

describe('money', () => {
  it('reads decimals exactly', () => {
    assert.equal(minor('25000.00'), 2500000n)
    assert.equal(minor('25000'), 2500000n)
    assert.equal(minor('0.1'), 10n)
    assert.equal(minor('100', 'JPY'), 100n)
    assert.equal(minor('1.234', 'KWD'), 1234n)
    assert.equal(minor('9999999999999999.99'), 999999999999999999n)
  })

  it('refuses what is not exactly an amount of the currency', () => {
    const notDecimals = [
      '1e3',
      '-1',
      '+1',
      ' 1',
      '1 ',
      '01',
      '1.',
      '.5',
      '1,000',
      '',
      'NaN',
      'Infinity',
      '0x10',
      '1_000',
      '１',
    ]
    for (const text of notDecimals) assert.equal(minor(text), 'not-a-decimal', text)
    assert.equal(minor('1.234'), 'too-many-decimals')
    assert.equal(minor('1.0', 'JPY'), 'too-many-decimals')
    assert.equal(minor('9'.repeat(40)), 'too-large')
    assert.equal(minor('1', 'XTS'), 'unknown-currency')
    assert.equal(minor('1', 'idr'), 'unknown-currency')
    assert.equal(minor('1', '__proto__'), 'unknown-currency')
  })

  it('allows a provider more zeros than the currency has decimals, and no other digit', () => {
    assert.deepEqual(parseProviderAmount('25000.000', 'IDR'), {
      ok: true,
      money: { minor: 2500000n, currency: 'IDR' },
    })
    assert.deepEqual(parseProviderAmount('100.00', 'JPY'), {
      ok: true,
      money: { minor: 100n, currency: 'JPY' },
    })
    assert.deepEqual(parseProviderAmount('25000.001', 'IDR'), { ok: false, problem: 'too-many-decimals' })
    assert.deepEqual(parseProviderAmount('100', 'IDR'), {
      ok: true,
      money: { minor: 10000n, currency: 'IDR' },
    })
  })

  it('prints what it read, for any amount of any number of decimals', () => {
    const amounts = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }),
      fc.constantFrom('IDR', 'JPY', 'KWD'),
    )
    fc.assert(
      fc.property(amounts, ([value, currency]) => {
        const parsed = parseAmount(formatAmount({ minor: value, currency }), currency)
        assert.deepEqual(parsed, { ok: true, money: { minor: value, currency } })
      }),
    )
  })

  it('reads no two texts of one form as the same amount unless they are', () => {
    const whole = fc.bigInt({ min: 0n, max: 10n ** 15n })
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        assert.equal(minor(`${a}.50`) === minor(`${b}.50`), a === b)
      }),
    )
  })
})
