/**
 * Names that lead to an intent and usually lie in another partition than it: a coupon's number at its provider, and our
 * reference of pay-ins, which several may bear. No step spans two partitions, so:
 *   1. the commit that makes a name known notes in the same step that its link is due;
 *   2. the link is made in the name's partition, and what was parked under the name becomes ready with it;
 *   3. the note is removed.
 * Anyone can do 2 and 3, and do them again: who committed does so at once, a sweep does what was left undone.
 */
import type { Collection } from '../domain/collection.ts'
import type { Coupon } from '../domain/coupon.ts'
import type { AliasId, CollectionId, CouponId, IntentId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { RedisClient } from '../redis/client.ts'
import { decodeStored, encodePointer } from './codec/codec.ts'
import { aliasIdOf } from './ids.ts'
import type { Keys } from './keys.ts'
import { commitCommand } from './scripts.ts'
import { type Command, readTogether } from './together.ts'
import { createTransaction, readTransaction, type TransactionOutcome } from './transaction.ts'

export type Link =
  | { kind: 'number'; name: AliasId; to: CouponId; account: string }
  | { kind: 'reference'; name: AliasId; to: CollectionId; place: string }

/** `taken`: the name leads to another intent. It stays due until somebody says what that means. */
export type LinkOutcome = { outcome: 'linked'; madeReady: number } | { outcome: 'taken'; by: IntentId }

export interface Links {
  /** Makes them, each by itself, and takes what is made off the list. */
  make(links: readonly Link[]): Promise<LinkOutcome[]>
  /** Some of those that are due, wherever they are. */
  listDue(partition: number): Promise<Link[]>
  drop(link: Link): Promise<void>
}

const listedAtOnceMax = 256

/** What has become known with this change. */
export function linksOf(before: Intent | undefined, after: Intent): Link[] {
  if (after.kind === 'coupon') return numberOf(before as Coupon | undefined, after)
  if (after.kind === 'collection') return referenceOf(before as Collection | undefined, after)
  return []
}

function numberOf(before: Coupon | undefined, { id, account, couponNumber }: Coupon): Link[] {
  if (couponNumber === undefined || couponNumber === before?.couponNumber) return []
  return [{ kind: 'number', name: aliasIdOf('coupon', account, couponNumber), to: id, account }]
}

function referenceOf(before: Collection | undefined, after: Collection): Link[] {
  const { id, account, reference } = after
  if (reference === before?.reference) return []
  const name = aliasIdOf('collections', account, reference)
  return [{ kind: 'reference', name, to: id, place: collectionPlaceOf(after) }]
}

const timeDigits = 14

/** Begins with the time in digits of one length, so that the index needs no other order. */
function collectionPlaceOf({ id, completedAt }: Collection): string {
  return `${String(Math.max(0, completedAt)).padStart(timeDigits, '0')}.${id}`
}

export function collectionIdAt(place: string): CollectionId {
  return place.slice(timeDigits + 1) as CollectionId
}

export function isCollectionPlace(text: string): boolean {
  return /^\d{14}\.pi-[0-9a-z]{26}$/.test(text)
}

export function encodeLink(link: Link): string {
  return JSON.stringify(link)
}

export function createLinks({ redis, keys }: { redis: RedisClient; keys: Keys }): Links {
  const toCommand = (link: Link): Command => {
    const { keys: names, args } = compose(keys, link).toCall()
    return [commitCommand, names.length, ...names, ...args]
  }
  const dropCommand = (link: Link): Command => [
    'srem',
    keys.dueLinks(keys.partitionOf(link.to)),
    encodeLink(link),
  ]

  return {
    async make(links) {
      if (links.length === 0) return []
      const answers = await readTogether(redis, links.map(toCommand))
      const outcomes = links.map((link, i) => read(link, readTransaction(answers[i])))
      const made = links.filter((_, i) => outcomes[i]?.outcome === 'linked')
      await readTogether(redis, made.map(dropCommand))
      return outcomes
    },
    async listDue(partition) {
      const due = await redis.srandmember(keys.dueLinks(partition), listedAtOnceMax)
      return due.map((text) => JSON.parse(text) as Link)
    },
    async drop(link) {
      await readTogether(redis, [dropCommand(link)])
    },
  }
}

function compose(keys: Keys, link: Link) {
  const partition = keys.partitionOf(link.name)
  if (link.kind === 'reference') return createTransaction().do('ZADD', keys.listed(link.name), 0, link.place)
  return createTransaction()
    .check('same', keys.intent(link.name), '')
    .do('SET', keys.intent(link.name), encodePointer(link.to))
    .unpark(keys.parked(link.name), {
      counts: keys.parkedCounts(partition),
      ready: keys.ready(partition),
      account: link.account,
    })
}

function read(link: Link, answer: TransactionOutcome): LinkOutcome {
  if (answer.outcome === 'written') {
    const madeReady = link.kind === 'number' ? Number(answer.results[1] ?? 0) : 0
    return { outcome: 'linked', madeReady }
  }
  const stored = decodeStored(link.to, answer.found ?? '')
  const holder = stored.form === 'pointer' ? stored.to : link.to
  return holder === link.to ? { outcome: 'linked', madeReady: 0 } : { outcome: 'taken', by: holder }
}
