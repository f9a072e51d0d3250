/** Pay-ins under one reference of ours, newest first: several may bear it, and nobody registers them. */
import type { Collection } from '../domain/collection.ts'
import type { RedisClient } from '../redis/client.ts'
import { aliasIdOf } from './ids.ts'
import type { IntentStore } from './intents.ts'
import type { Keys } from './keys.ts'
import { collectionIdAt } from './links.ts'

export interface CollectionPage {
  collections: Collection[]
  /** Where the next page begins. */
  next: string | null
}

export interface Collections {
  /** What was paid in is listed once its link is made (`links.ts`): at once, or after a crash by the next sweep. */
  list(request: {
    account: string
    reference: string
    after?: string | undefined
    limit: number
  }): Promise<CollectionPage>
}

export interface CollectionsDeps {
  redis: RedisClient
  keys: Keys
  intents: Pick<IntentStore, 'load'>
}

export function createCollections({ redis, keys, intents }: CollectionsDeps): Collections {
  return {
    async list({ account, reference, after, limit }) {
      const key = keys.listed(aliasIdOf('collections', account, reference))
      const below = after === undefined ? '+' : `(${after}`
      const places = await redis.zrevrangebylex(key, below, '-', 'LIMIT', 0, limit + 1)
      const page = places.slice(0, limit)
      const loaded = await intents.load(page.map(collectionIdAt))
      return {
        // One whose reference was corrected since is no longer among them.
        collections: loaded.flatMap((one) => {
          // A page without it would say that the money never came.
          if (one.outcome === 'unreadable') throw one.error
          if (one.outcome !== 'found' || one.intent.kind !== 'collection') return []
          return one.intent.reference === reference ? [one.intent] : []
        }),
        next: places.length > limit ? (page.at(-1) ?? null) : null,
      }
    },
  }
}
