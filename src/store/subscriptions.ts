/**
 * Subscriptions. Each lies where the first letters of its id say; a change is written only if nobody else changed it
 * meanwhile, and its events are published in the same step. Who lists them reads every partition: they are few.
 *
 * The signing secrets rest sealed, and leave here opened only for who signs with them.
 */
import {
  type Disabling,
  deleteSubscription,
  disableSubscription,
  type SubscriptionStep,
  secretsAt,
} from '../domain/decide-subscription.ts'
import { AppError } from '../domain/errors.ts'
import type { Because } from '../domain/event.ts'
import type { SubscriptionId } from '../domain/ids.ts'
import type { Subscription } from '../domain/subscription.ts'
import type { RedisClient } from '../redis/client.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { decodeSubscription, secretPlace, writeSubscription } from './subscription-write.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction } from './transaction.ts'

/** What follows one upon the other in one step; none where nothing is to change. */
export type DecideSubscription = (before: Subscription) => readonly SubscriptionStep[]

export interface Subscriptions {
  /** Throws `too-many-subscriptions`. */
  create(step: SubscriptionStep, because: Because): Promise<Subscription>
  /**
   * What it is afterwards, changed or not, and what became true; undefined where there is none. `decide` is asked again after
   * a lost race.
   */
  change(
    id: SubscriptionId,
    because: Because,
    decide: DecideSubscription,
  ): Promise<{ after: Subscription; facts: readonly SubscriptionStep['fact'][] } | undefined>
  /**
   * By what the deliveries came to, or by a person. `ifLive`: only while this run follows the log; what was decided on an
   * older one says nothing of it. `ifUrl`: only while it goes there.
   */
  disable(
    id: SubscriptionId,
    disabling: Disabling & { ifLive?: Subscription['live']['run'] | undefined; ifUrl?: string | undefined },
  ): Promise<'disabled' | 'unchanged'>
  /** Its record goes; what its runs left in other partitions is let go of by who walks them. */
  remove(id: SubscriptionId, because: Because): Promise<boolean>
  find(id: SubscriptionId): Promise<Subscription | undefined>
  /** All of them, disabled ones too, oldest first. */
  list(): Promise<Subscription[]>
  sealSecret(id: SubscriptionId, secret: string): string
  /** Those that sign now, as `whsec_…`, the current one first. */
  openSecrets(subscription: Pick<Subscription, 'id' | 'secrets'>): string[]
}

export interface SecretSealer {
  seal(plain: Uint8Array, place: string): string
  open(sealed: string, place: string): Uint8Array
}

export interface SubscriptionsDeps {
  redis: RedisClient
  keys: Keys
  sealer: SecretSealer
  clock: () => number
  max?: number
}

/** Each is asked of every event, by every process that delivers. */
export const subscriptionsMax = 200

/** Losing the race this often to others who change the same one means that something is wrong. */
const attemptsMax = 16

export function createSubscriptions(deps: SubscriptionsDeps): Subscriptions {
  const { redis, keys, sealer, clock, max = subscriptionsMax } = deps
  const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition)

  const readText = (id: SubscriptionId) => redis.hget(keys.subscriptions(keys.partitionOf(id)), id)

  /** False where somebody else was quicker. */
  async function put(text: string, steps: readonly SubscriptionStep[], because: Because): Promise<boolean> {
    const transaction = createTransaction()
    writeSubscription(transaction, keys, { text, steps, because, at: clock() })
    const call = transaction.toCall()
    const [answer] = await readTogether(redis, [
      [commitCommand, call.keys.length, ...call.keys, ...call.args],
    ])
    return readTransaction(answer).outcome === 'written'
  }

  const change: Subscriptions['change'] = async (id, because, decide) => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const text = await readText(id)
      if (text === null) return undefined
      const before = decodeSubscription(text)
      const steps = decide(before)
      const { after = before } = steps.at(-1) ?? {}
      const facts = steps.map(({ fact }) => fact)
      if (steps.length === 0 || (await put(text, steps, because))) return { after, facts }
    }
    throw new AppError('commit-contended', { detail: 'The subscription is changing too quickly.' })
  }

  return {
    change,

    /** Counted and then written: of those that come together on the last place, a few more may get in. */
    async create(step, because) {
      const counts = await readTogether(
        redis,
        partitions.map((partition): Command => ['hlen', keys.subscriptions(partition)]),
      )
      const count = (counts as number[]).reduce((sum, one) => sum + one, 0)
      if (count >= max) {
        throw new AppError('too-many-subscriptions', { detail: `There may be ${max} subscriptions.` })
      }
      // Its id was minted for it alone.
      if (!(await put('', [step], because))) throw new AppError('commit-contended')
      return step.after
    },

    async disable(id, { ifLive, ifUrl, ...disabling }) {
      const { because, by, reason } = disabling
      const why = reason ?? (because === 'by-person' ? undefined : because)
      const cause: Because = {
        source: because === 'by-person' ? 'operator' : 'deliveries',
        ...(by && { by }),
        ...(why && { reason: why }),
      }
      const changed = await change(id, cause, (before) => {
        if (ifLive !== undefined && before.live.run !== ifLive) return []
        if (ifUrl !== undefined && before.url !== ifUrl) return []
        const step = disableSubscription(before, disabling, clock())
        return step ? [step] : []
      })
      return changed && changed.facts.length > 0 ? 'disabled' : 'unchanged'
    },

    async remove(id, because) {
      return (await change(id, because, (before) => [deleteSubscription(before, clock())])) !== undefined
    },

    async find(id) {
      const text = await readText(id)
      return text === null ? undefined : decodeSubscription(text)
    },

    async list() {
      const found = await readTogether(
        redis,
        partitions.map((partition): Command => ['hvals', keys.subscriptions(partition)]),
      )
      return (found as string[][])
        .flat()
        .map(decodeSubscription)
        .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    },

    sealSecret: (id, secret) => sealer.seal(Buffer.from(secret), secretPlace(id)),

    openSecrets: ({ id, secrets }) =>
      secretsAt(secrets, clock()).map(({ sealed }) =>
        Buffer.from(sealer.open(sealed, secretPlace(id))).toString(),
      ),
  }
}
