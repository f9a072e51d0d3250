import assert from 'node:assert/strict'
import fc from 'fast-check'
import { AppError } from '../../src/domain/errors.ts'
import { type Behaviour, behaviourNames, behaviours, camelCase } from '../../src/sandbox/behaviours.ts'
import { createFates, type Fate } from '../../src/sandbox/fates.ts'
import { parseRules } from '../../src/sandbox/rules.ts'

const fates = createFates({ seed: 7 })
const namesOf = (fate: Fate) => behaviourNames.filter((name) => fate.has(name))
const named = (reference: string) => namesOf(fates.fateOf('zenospay', reference, 1n))

describe('the fates of the sandbox', () => {
  it('are asked for by a reference', () => {
    assert.deepEqual(named('payoutLostCallback17'), ['lost-callback'])
    assert.deepEqual(named('lostCallback17'), ['lost-callback'])
    assert.deepEqual(named('RefundAfterSuccess1'), ['refund-after-success'])
    assert.deepEqual(named('SlowRepeatedFail3').sort(), ['fail', 'repeated', 'slow'])
    assert.deepEqual(named('Slowly'), [])
    assert.deepEqual(named('payout00ab'), [])
    for (const name of behaviourNames) assert.deepEqual(named(`x${camelCase(name)}9`), [name])
  })

  it('take a reason out of a reference, up to a digit or to another name', () => {
    const reasonOf = (reference: string) => fates.fateOf('wechatpay', reference, 1n).reason
    assert.equal(reasonOf('FailAccountFrozen'), 'ACCOUNT_FROZEN')
    assert.equal(reasonOf('payoutFailNameNotCorrect17x'), 'NAME_NOT_CORRECT')
    assert.equal(reasonOf('FailAccountFrozenSlow2'), 'ACCOUNT_FROZEN')
    assert.equal(reasonOf('SlowFail2'), undefined)
  })

  it('are asked for by an exact amount, in rupiah and in fen', () => {
    for (const [name, amount] of Object.entries(behaviours)) {
      assert.deepEqual(namesOf(fates.fateOf('zenospay', 'a', BigInt(amount) * 100n)), [name])
      assert.deepEqual(namesOf(fates.fateOf('wechatpay', 'a', BigInt(amount))), [name])
      assert.deepEqual(namesOf(fates.fateOf('zenospay', 'a', BigInt(amount))), [])
    }
  })

  it('follow from the seed and not from the order in which they are asked for', () => {
    const rates = Object.fromEntries(behaviourNames.map((name) => [name, 0.3]))
    const references = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(fc.integer(), references, (seed, list) => {
        const tell = (order: readonly string[]) => {
          const { fateOf } = createFates({ seed, rates })
          return new Map(order.map((one) => [one, describeFate(fateOf('wechatpay', one, 5n))]))
        }
        const forwards = tell(list)
        const backwards = tell([...list].reverse())
        for (const one of list) assert.deepEqual(forwards.get(one), backwards.get(one))
      }),
      { numRuns: 50 },
    )
  })

  it('differ by the seed, and come up as often as their rate says', () => {
    const failsOf = (seed: number) => {
      const { fateOf } = createFates({ seed, rates: { fail: 0.2 } })
      return Array.from({ length: 1000 }, (_, n) => fateOf('zenospay', `payout${n}`, 1n).outcome === 'fail')
    }
    const first = failsOf(1)
    const count = first.filter(Boolean).length
    assert.ok(count > 150 && count < 250, String(count))
    assert.notDeepEqual(first, failsOf(2))
  })

  it('leave rates aside where something was asked for by name', () => {
    const { fateOf } = createFates({ seed: 1, rates: { fail: 1, slow: 1 } })
    assert.deepEqual(namesOf(fateOf('zenospay', 'payoutSuccess1', 1n)), ['success'])
    assert.equal(fateOf('zenospay', 'payoutRepeated1', 1n).outcome, 'success')
    assert.equal(fateOf('zenospay', 'payout1', 1n).outcome, 'fail')
  })

  it('take a slow one longer than every other', () => {
    const { fateOf } = createFates({ seed: 1, delayMs: { from: 10, to: 20 } })
    const delays = Array.from({ length: 200 }, (_, n) => fateOf('zenospay', `payout${n}`, 1n).delayMs)
    assert.deepEqual([Math.min(...delays), Math.max(...delays)], [10, 20])
    assert.equal(fateOf('zenospay', 'payoutSlow1', 1n).delayMs, 400)
  })
})

describe('the rules of the sandbox', () => {
  const read = (rules: unknown) => parseRules(JSON.stringify(rules), 'rules.json')

  it('match by reference, amount and provider, and add up', () => {
    const rules = read([
      { match: { reference: '^order-7' }, do: ['fail'], reason: 'Account closed' },
      { match: { amount: '25000.00', provider: 'zenospay' }, do: ['repeated'] },
    ])
    const { fateOf } = createFates({ seed: 1, rules })
    const both = fateOf('zenospay', 'order-71', 2_500_000n)
    assert.deepEqual([namesOf(both), both.reason], [['fail', 'repeated'], 'Account closed'])
    assert.deepEqual(namesOf(fateOf('wechatpay', 'order-8', 2_500_000n)), [])
  })

  it('are refused when they are off, and say where', () => {
    const bad: [unknown, RegExp][] = [
      [[{ match: {}, do: ['explode'] }], /0\.do\.0/],
      [[{ match: { reference: '(' }, do: ['fail'] }], /0\.match\.reference/],
      [[{ match: { amount: '1.234' }, do: ['fail'] }], /0\.match\.amount.*too-many-decimals/],
      [[{ match: { refrence: 'x' }, do: ['fail'] }], /0\.match/],
      [[{ do: [] }], /0\.do/],
      [{}, /rules\.json/],
    ]
    for (const [rules, said] of bad)
      assert.throws(
        () => read(rules),
        (error) => error instanceof AppError && said.test(error.detail ?? ''),
      )
    assert.throws(() => parseRules('{', 'rules.json'), /rules\.json: it is not JSON/)
  })
})

function describeFate(fate: Fate): unknown {
  const { outcome, reason, delayMs, random } = fate
  return { outcome, reason, delayMs, names: namesOf(fate) satisfies Behaviour[], share: random('x') }
}
