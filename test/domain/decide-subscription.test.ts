import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  changeSubscription,
  createSubscription,
  deleteSubscription,
  disableSubscription,
  enableSubscription,
  missedKept,
  rotateSecret,
  type SubscriptionStep,
  secretsAt,
  secretsMax,
} from '../../src/domain/decide-subscription.ts'
import type { RunId, SubscriptionId } from '../../src/domain/ids.ts'
import type { Subscription } from '../../src/domain/subscription.ts'

const hour = 3_600_000
const run = (number: number) => `ru-${number}` as RunId

function create(fields: { disabled?: boolean; description?: string } = {}): Subscription {
  return createSubscription(
    {
      id: 'su-1' as SubscriptionId,
      url: 'https://hooks.example/',
      types: ['tallyhook.transfer.*'],
      accounts: [],
      live: { run: run(0), from: ['1-0', '2-0'] },
      createdBy: 'ledger',
      secret: 'sealed-0',
      ...fields,
    },
    1_000,
  ).after
}

function taken(step: SubscriptionStep | undefined): SubscriptionStep {
  assert.ok(step)
  return step
}

describe('what becomes of a subscription', () => {
  it('begins with its first event, and may begin disabled', () => {
    const one = create()
    assert.deepEqual(
      [one.sequence, one.disabled, one.missed, one.secrets],
      [1, undefined, [], [{ sealed: 'sealed-0', createdAt: 1_000 }]],
    )
    assert.deepEqual(create({ disabled: true }).disabled, { because: 'by-person', at: 1_000, by: 'ledger' })
  })

  it('changes what is named and nothing else', () => {
    const before = create({ description: 'The ledger' })
    const { after, fact } = taken(changeSubscription(before, { url: 'https://b.example/' }, 2_000))
    assert.deepEqual(after, { ...before, url: 'https://b.example/', updatedAt: 2_000, sequence: 2 })
    assert.deepEqual(fact, { name: 'changed', sequence: 2 })
    assert.equal(taken(changeSubscription(before, { description: null }, 2_000)).after.description, undefined)
  })

  it('is not changed by what it is already', () => {
    const { url, types, accounts, description, ...rest } = create({ description: 'The ledger' })
    const before = { url, types, accounts, description: 'The ledger', ...rest }
    assert.equal(changeSubscription(before, {}, 2_000), undefined)
    assert.equal(changeSubscription(before, { url, types, accounts, description }, 2_000), undefined)
    assert.equal(enableSubscription(before, { missed: 'send' }, 2_000), undefined)
    const disabled = taken(disableSubscription(before, { because: 'gone' }, 2_000)).after
    assert.equal(disableSubscription(disabled, { because: 'by-person', by: 'ledger' }, 3_000), undefined)
  })

  it('goes on with the same run where what was missed is sent', () => {
    const disabled = taken(disableSubscription(create(), { because: 'failing' }, 2_000)).after
    const { after, fact } = taken(enableSubscription(disabled, { missed: 'send' }, 3_000))
    assert.equal(fact.name, 'enabled')
    assert.deepEqual([after.live, after.missed, after.disabled], [disabled.live, [], undefined])
  })

  it('begins another run where it is skipped, and notes the stretch', () => {
    const disabled = taken(disableSubscription(create(), { because: 'failing' }, 2_000)).after
    const live = { run: run(1), from: ['9-0', '9-0'] }
    const skip = { missed: 'skip', live, stood: ['5-0', '2-0'] } as const
    const { after } = taken(enableSubscription(disabled, skip, 3_000))
    assert.deepEqual(after.live, live)
    assert.deepEqual(after.missed, [
      { from: ['5-0', '2-0'], until: ['9-0', '9-0'], since: 2_000, till: 3_000 },
    ])
    const nothing = { missed: 'skip', live, stood: ['9-0', '9-0'] } as const
    assert.deepEqual(taken(enableSubscription(disabled, nothing, 3_000)).after.missed, [])
  })

  it('keeps the newest of what was missed', () => {
    let one = create()
    for (let i = 1; i <= missedKept + 5; i++) {
      one = taken(disableSubscription(one, { because: 'failing' }, i * 10)).after
      const live = { run: run(i), from: [`${i}-1`, '0-0'] }
      one = taken(
        enableSubscription(one, { missed: 'skip', live, stood: [`${i}-0`, '0-0'] }, i * 10 + 5),
      ).after
    }
    assert.deepEqual(
      one.missed.map(({ since }) => since),
      Array.from({ length: missedKept }, (_, i) => (i + 6) * 10),
    )
  })

  it('signs with both secrets until the overlap is over', () => {
    const { after } = rotateSecret(create(), { sealed: 'sealed-1', overlapMs: 24 * hour }, 2_000)
    const sealedAt = (at: number) => secretsAt(after.secrets, at).map(({ sealed }) => sealed)
    assert.deepEqual(sealedAt(2_000), ['sealed-1', 'sealed-0'])
    assert.deepEqual(sealedAt(2_000 + 24 * hour - 1), ['sealed-1', 'sealed-0'])
    assert.deepEqual(sealedAt(2_000 + 24 * hour), ['sealed-1'])
    const later = taken(changeSubscription(after, { url: 'https://b.example/' }, 2_000 + 24 * hour)).after
    assert.deepEqual(
      later.secrets.map(({ sealed }) => sealed),
      ['sealed-1'],
    )
  })

  it('signs with the new one alone at once where there is no overlap, whatever was rotated before', () => {
    const once = rotateSecret(create(), { sealed: 'sealed-1', overlapMs: 24 * hour }, 2_000).after
    const twice = rotateSecret(once, { sealed: 'sealed-2', overlapMs: 0 }, 3_000).after
    assert.deepEqual(twice.secrets, [{ sealed: 'sealed-2', createdAt: 3_000 }])
  })

  type Action = (before: Subscription, at: number, number: number) => SubscriptionStep | undefined
  const actions: Action[] = [
    (before, at, number) => changeSubscription(before, { url: `https://${number % 3}.example/` }, at),
    (before, at) => changeSubscription(before, { description: null }, at),
    (before, at) => disableSubscription(before, { because: 'by-person', by: 'a' }, at),
    (before, at) => disableSubscription(before, { because: 'failing' }, at),
    (before, at) => enableSubscription(before, { missed: 'send' }, at),
    (before, at, number) =>
      enableSubscription(
        before,
        {
          missed: 'skip',
          live: { run: run(number), from: [`${number}-1`, '0-0'] },
          stood: [`${number}-0`, '0-0'],
        },
        at,
      ),
    (before, at, number) => rotateSecret(before, { sealed: `sealed-${number}`, overlapMs: hour }, at),
    (before, at, number) => rotateSecret(before, { sealed: `sealed-${number}`, overlapMs: 0 }, at),
  ]

  it('counts its events without a gap, and holds no more than it may, whatever happens in whatever order', () => {
    const moment = fc.record({ action: fc.nat(actions.length - 1), pauseMs: fc.nat(2 * hour) })
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 80 }), (history) => {
        let one = create()
        let at = 1_000
        let current = 'sealed-0'
        history.forEach(({ action, pauseMs }, i) => {
          at += pauseMs
          const before = structuredClone(one)
          const step = actions[action]?.(one, at, i + 1)
          assert.deepEqual(one, before, 'What was there is not written into.')
          if (!step) return
          assert.equal(step.fact.sequence, one.sequence + 1)
          assert.equal(step.after.sequence, step.fact.sequence)
          one = step.after
          if (action >= 6) current = `sealed-${i + 1}`
          assert.ok(one.secrets.length >= 1 && one.secrets.length <= secretsMax)
          assert.deepEqual([one.secrets[0]?.sealed, one.secrets[0]?.until], [current, undefined])
          assert.ok(one.secrets.slice(1).every(({ until }) => until !== undefined && until > at))
          assert.ok(one.missed.length <= missedKept)
          if (step.fact.name === 'enabled') assert.ok(before.disabled && !one.disabled)
          else if (step.fact.name === 'disabled') assert.ok(!before.disabled && one.disabled)
          else assert.deepEqual(one.disabled, before.disabled)
        })
        const gone = deleteSubscription(one, at)
        assert.deepEqual(gone.fact, { name: 'deleted', sequence: one.sequence + 1 })
      }),
    )
  })
})
