/** Signs and sends the callbacks that a fate has planned. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Courier } from '../courier.ts'
import type { Fate } from '../fates.ts'
import { describeDisbursement, signCallback } from '../signed-callback.ts'
import { describePaymentCallback, type Payment } from './payments.ts'
import { describeCallback, type Payout } from './payout.ts'
import { type PlannedCallback, planCallbacks } from './plan.ts'

export interface CallbacksDeps {
  partnerId: string
  privateKey: KeyObject
  /** Which it is about to change to. */
  nextPrivateKey: KeyObject
  /** The registered path, which is part of what is signed. */
  path: string
  courier: Courier
  clock: () => number
}

export interface Callbacks {
  /** Resolves when the first was answered, or was given up on. */
  tell(payout: Payout): Promise<void>
  tellOfPayment(payment: Payment): Promise<void>
}

interface Told {
  callbacks: number
  fate: Fate
}

export function createCallbacks(deps: CallbacksDeps): Callbacks {
  const { courier, clock } = deps
  const strangersKey = memoise(() => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)

  function keyOf({ signedBy }: PlannedCallback): KeyObject {
    if (signedBy === 'stranger') return strangersKey()
    return signedBy === 'next' ? deps.nextPrivateKey : deps.privateKey
  }

  function send(told: Told, planned: PlannedCallback, body: string): Promise<unknown> {
    const make = () => {
      told.callbacks += 1
      const now = clock() - planned.ageMs
      return signCallback(body, {
        privateKey: keyOf(planned),
        partnerId: deps.partnerId,
        path: deps.path,
        now,
      })
    }
    return Promise.all(Array.from({ length: planned.count }, () => courier.deliver(make)))
  }

  async function follow(told: Told, describe: (planned: PlannedCallback) => string): Promise<void> {
    const [first, ...rest] = planCallbacks(told.fate)
    // Each body is what was true at the end, however much later it is sent.
    for (const one of rest) {
      const body = describe(one)
      courier.later(one.afterMs, () => send(told, one, body))
    }
    if (first) await send(told, first, describe(first))
  }

  return {
    tell: (payout) => follow(payout, (planned) => describePayout(payout, planned)),
    tellOfPayment: (payment) =>
      follow(payment, ({ amount }) => describePaymentCallback(payment, distort(payment.amount, amount))),
  }
}

function describePayout(payout: Payout, planned: PlannedCallback): string {
  const isPaid = payout.status === 'success'
  const statuses = {
    final: isPaid ? 'success' : 'fail',
    opposite: isPaid ? 'fail' : 'success',
    pending: 'pending',
  }
  // What contradicts is newer, and what was overtaken is older.
  const shiftMs = { final: 0, opposite: 1_000, pending: -1_000 }[planned.says]
  return describeDisbursement(
    describeCallback(payout, {
      status: statuses[planned.says],
      amount: distort(payout.amount, planned.amount),
      updatedAt: Math.max(payout.updatedAt + shiftMs, payout.createdAt),
    }),
  )
}

function distort(amount: bigint, which: PlannedCallback['amount']): bigint {
  return which === 'right' ? amount : amount + 1n
}

function memoise<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
