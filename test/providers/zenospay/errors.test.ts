import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { errorRules, findRule } from '../../../src/providers/zenospay/errors.ts'
import { describeFailure } from '../../../src/providers/zenospay/failure-codes.ts'

const ruleFor = (message: string, status = 200) => findRule({ status, message, own: true })

describe('zenospay errors', () => {
  it('never pays again, nor gives up, because of words alone', () => {
    for (const rule of errorRules) {
      assert.notEqual(rule.pay, 'failed', rule.code)
      if (rule.pay === 'same') assert.equal(rule.status, 429)
    }
  })

  it('asks where a transfer may have been taken', () => {
    for (const message of [
      'Inquiry already processed',
      'This inquiry has already been used',
      'Duplicate transaction',
      'Transaction in progress',
      'Transaksi sudah diproses',
      'System error',
      'Bank timeout',
      'Failed to process',
    ])
      assert.equal(ruleFor(message).pay, 'ask', message)
  })

  it('sends an inquiry again where nothing but time is wrong', () => {
    assert.equal(ruleFor('Bank under maintenance').reserve, 'same')
    assert.equal(ruleFor('Service is temporarily unavailable').reserve, 'same')
    assert.equal(ruleFor('Invalid account, please try again').reserve, 'failed')
    assert.equal(ruleFor('Insufficient balance, try again later').reserve, 'operator')
  })

  it('tells a request that cannot be processed from one that was', () => {
    assert.equal(ruleFor('Your request cannot be processed').code, 'refused')
    assert.equal(ruleFor('The inquiry has been processed').code, 'already-taken')
  })

  it('has a rule for everything, and its table stands in the README', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1_000 }), fc.integer({ min: 200, max: 499 }), (message, status) => {
        assert.ok(findRule({ status, message, own: false }).code.length > 0)
      }),
    )
    const readme = readFileSync('src/providers/zenospay/README.md', 'utf8')
    const rows = errorRules.map(
      ({ code, basis, reserve, pay, question }) =>
        new RegExp(
          `^\\| \`${code}\` \\| ${basis} \\| .+ \\| ${reserve} \\| ${pay} \\| ${question} \\|$`,
          'm',
        ),
    )
    for (const row of rows) assert.match(readme, row)
    assert.equal(readme.match(/^\| `[a-z-]+` \| (?:http|documented|inferred) \|/gm)?.length, rows.length)
  })
})

describe('zenospay failure codes', () => {
  const cases: Record<string, string[]> = {
    'declined-by-provider': ['', '   '],
    'beneficiary-not-found': [
      'Account not found',
      'Invalid account number',
      'INVALID_ACCOUNT',
      'Rekening tidak ditemukan',
      'The beneficiary account does not exist',
      'No such bank account',
      'Unregistered wallet',
    ],
    'beneficiary-blocked': [
      'Account closed',
      'Beneficiary account is blocked',
      'Dormant account',
      'Rekening ditutup',
    ],
    'beneficiary-mismatch': ['Account name mismatch', 'Name does not match', 'Nama rekening tidak sesuai'],
    'insufficient-funds': [
      'Insufficient balance',
      'INSUFFICIENT_FUND',
      'Saldo tidak cukup',
      'Not enough balance',
    ],
    'limit-exceeded': ['Daily limit exceeded', 'Amount is below the minimum'],
    'payer-not-allowed': ['Merchant is suspended', 'Your account is blocked', 'Merchant account not found'],
    'risk-refused': ['Suspected fraud'],
    expired: ['Inquiry expired', 'Transaksi kedaluwarsa'],
    cancelled: ['Cancelled by user', 'Transaksi dibatalkan'],
    unknown: ['Bank timeout', 'System error', 'General error', '51', 'Ditolak'],
  }
  for (const [code, texts] of Object.entries(cases)) {
    it(code, () => {
      for (const text of texts) assert.equal(describeFailure(text).code, code, text)
    })
  }

  it('keeps words that name nobody, and codes', () => {
    for (const text of [
      'Bank timeout',
      'INVALID_ACCOUNT',
      'Rekening tidak ditemukan',
      'E51',
      'BANK-0014',
      '51',
    ])
      assert.equal(describeFailure(text).reason, text)
  })

  it('keeps nothing that may be about a person', () => {
    for (const text of [
      'Budi',
      'BUDI_SANTOSO',
      'Account of Budi is blocked',
      '0812345678',
      'Account 12345 not found',
      'Invalid account: 0123456789',
      'budi@bank.example',
      '账户不存在',
      '---',
      `Invalid ${'account '.repeat(30)}`,
    ])
      assert.equal(describeFailure(text).reason, undefined, text)
  })

  it('answers in no time for text of any size', () => {
    for (const text of [
      'account '.repeat(100_000),
      'name '.repeat(100_000),
      'insufficient a '.repeat(50_000),
    ])
      assert.equal(describeFailure(text).reason, undefined)
  })
})
