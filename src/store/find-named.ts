/** Whatever goes by a name: an id, our own reference, or the provider's number. */
import type { Collection } from '../domain/collection.ts'
import type { Intent } from '../domain/intent.ts'
import type { Collections } from './collections.ts'
import {
  aliasIdOf,
  batchIdOf,
  collectionIdOf,
  couponIdOf,
  readBatchId,
  readCollectionId,
  readCouponId,
  readTransferId,
  transferIdOf,
} from './ids.ts'
import type { IntentStore, Target } from './intents.ts'

export interface FindNamedDeps {
  intents: Pick<IntentStore, 'find'>
  collections: Collections
}

/** Several may share a name: a reference in two accounts, or a batch and a transfer. */
export type FindNamed = (name: string, accounts: readonly string[]) => Promise<Intent[]>

/** Of one reference; whoever wants more asks the API. */
const payInsMax = 20

export function createFindNamed({ intents, collections }: FindNamedDeps): FindNamed {
  async function findPayIns(reference: string, accounts: readonly string[]): Promise<Collection[]> {
    const pages = await Promise.all(
      accounts.map((account) => collections.list({ account, reference, limit: payInsMax })),
    )
    return pages.flatMap((page) => page.collections)
  }

  return async (name, accounts) => {
    const id = readTransferId(name) ?? readBatchId(name) ?? readCouponId(name) ?? readCollectionId(name)
    const targets: Target[] = id ? [id] : accounts.flatMap((account) => namesOf(account, name))
    const [found, payIns] = await Promise.all([
      Promise.all(targets.map((target) => intents.find(target))),
      id ? [] : findPayIns(name, accounts),
    ])
    return [
      ...new Map([...found, ...payIns].flatMap((one) => (one ? [[one.id, one] as const] : []))).values(),
    ]
  }
}

function namesOf(account: string, name: string): Target[] {
  return [
    transferIdOf(account, name),
    batchIdOf(account, name),
    couponIdOf(account, name),
    collectionIdOf(account, name),
    aliasIdOf('payout', account, name),
    aliasIdOf('coupon', account, name),
  ]
}
