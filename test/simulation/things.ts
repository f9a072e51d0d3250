/** What is registered, by name. */
import type { Batch } from '../../src/domain/batch.ts'
import type { Coupon } from '../../src/domain/coupon.ts'
import type { IntentEvent } from '../../src/domain/event.ts'
import type { IntentId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { describePerson, digestName } from '../../src/domain/person.ts'
import { waitingSince } from '../../src/domain/submission.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import type { Target } from '../../src/store/intents.ts'
import { account, batchEvent, couponEvent, transferEvent } from '../model/things.ts'
import { digestPerson } from '../support/store.ts'
import type { Parts } from './stage.ts'
import {
  accountNumbers,
  amountOf,
  batchName,
  couponName,
  idsOf,
  members,
  names,
  references,
} from './words.ts'

export interface Things {
  ids: ReturnType<typeof idsOf>
  idOf(name: string): IntentId
  /** Of a batch, whatever may be registered with it, and the names that may lead to it. */
  targets: Target[]
  /** `submit`: it is to be sent at once. */
  register(parts: Parts, name: string, submit?: boolean): Promise<void>
}

const personal = { person: digestPerson(describePerson('bank', accountNumbers.own)), sealed: 'p1.sealed' }
const payee = { kind: 'bank' as const, nameDigest: digestName(names.own, digestPerson) }
const money = (minor: bigint) => ({ minor, currency: 'THB' })

export function createThings(
  seed: number,
  clock: () => number,
  fields: { batch?: Partial<Batch>; coupon?: Partial<Coupon> },
): Things {
  const ids = idsOf(seed)
  const of = references(seed)
  const sent = (submit: boolean) => (submit ? { submission: waitingSince(clock(), false) } : {})

  function transferOf(name: string, more: Partial<Transfer>) {
    return transferEvent(of(name), { amount: money(amountOf(name)), personal, payee, ...more }, clock())
  }

  /** In steps, as anyone may who finds it half done. */
  async function registerBatch({ batches }: Parts, submit: boolean): Promise<void> {
    const amount = money(members.reduce((sum, name) => sum + amountOf(name), 0n))
    const more = { count: members.length, amount, personal, ...fields.batch, ...sent(submit) }
    await batches.register({
      id: ids.batch,
      account,
      contentDigest: 'content',
      references: members.map(of),
      claims: true,
      build: async () => ({
        batch: batchEvent(of(batchName), more, clock()),
        transfers: members.map((name) => transferOf(name, { batch: ids.batch })),
      }),
    })
  }

  return {
    ids,
    idOf(name) {
      if (name === batchName) return ids.batch
      return name === couponName ? ids.coupon : ids.transfer(name)
    },
    targets: [ids.batch, ...members.flatMap((name) => [ids.transfer(name), transferIdOf(account, of(name))])],
    async register(parts, name, submit = false) {
      if (name === batchName) await registerBatch(parts, submit)
      else if (name === couponName)
        await parts.register(couponEvent(of(name), { personal, ...fields.coupon, ...sent(submit) }, clock()))
      else await parts.register(transferOf(name, sent(submit)))
    },
  }
}

/** As it was written. */
export function registeredEvent(intent: Intent): IntentEvent {
  const to = { state: intent.state, held: false }
  return {
    fact: { name: 'registered', sequence: 1, change: { from: null, to } },
    intent,
    because: { source: 'registration' },
    at: intent.createdAt,
  } as IntentEvent
}
