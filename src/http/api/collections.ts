/** Pay-ins. Nobody registers one, so they are only read: by id, by the provider's number, or by our reference. */
import { Router } from 'express'
import { z } from 'zod'
import type { Collection, CollectionSecrets } from '../../domain/collection.ts'
import { AppError } from '../../domain/errors.ts'
import { collectionSchema, presentCollection } from '../../events/collection-resource.ts'
import type { CollectionPage, Collections } from '../../store/collections.ts'
import { collectionIdOf, readCollectionId } from '../../store/ids.ts'
import type { IntentStore, Target } from '../../store/intents.ts'
import { isCollectionPlace } from '../../store/links.ts'
import type { Vault } from '../../store/vault.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { requireScope } from './authorize.ts'
import { type Operation, pageOf } from './operation.ts'
import { limitOf, validate, wholeNumber } from './validate.ts'

export interface CollectionRoutesDeps {
  authenticate(token: string): Principal | null
  intents: Pick<IntentStore, 'find'>
  collections: Collections
  vault: Pick<Vault, 'openAllSecrets'>
}

const name = z.string().min(1).max(256)

const listSchema = z
  .strictObject({
    account: z.string({ error: 'It is required.' }).min(1),
    transaction: name.optional(),
    reference: name.optional(),
    after: z.string().refine(isCollectionPlace, 'It is not `next` of an earlier answer.').optional(),
    limit: wholeNumber(1, 1000).optional(),
  })
  .superRefine(({ transaction, reference }, context) => {
    if ((transaction === undefined) !== (reference === undefined)) return
    const message = 'Give one of transaction (the provider’s number) and reference (yours).'
    for (const path of [['transaction'], ['reference']]) context.addIssue({ code: 'custom', path, message })
  })

export function createCollectionRoutes(deps: CollectionRoutesDeps): Router {
  const { intents, collections, vault } = deps
  const router = Router()
  const mayRead = requireScope(deps.authenticate, 'transfers:read')

  router.get('/collections/:id', mayRead, async (req, res) => {
    const id = readCollectionId(String(req.params.id))
    const collection = id && (await find(id))
    if (!collection) throw new AppError('not-found', { detail: 'There is no pay-in with this id.' })
    const [shown] = await present([collection])
    res.json(shown)
  })

  router.get('/collections', mayRead, async (req, res) => {
    const page = await list(validate(listSchema, req.query))
    res.json({ items: await present(page.collections), next: page.next })
  })

  router.all('/collections', allowOnly('GET', 'HEAD'))
  router.all('/collections/:id', allowOnly('GET', 'HEAD'))

  async function list(asked: z.output<typeof listSchema>): Promise<CollectionPage> {
    const { account, transaction, reference = '', after, limit } = asked
    if (transaction === undefined)
      return collections.list({ account, reference, after, limit: limitOf(limit) })
    const found = await find(collectionIdOf(account, transaction))
    return { collections: found ? [found] : [], next: null }
  }

  async function find(id: Target): Promise<Collection | undefined> {
    const found = await intents.find(id)
    return found?.kind === 'collection' ? found : undefined
  }

  async function present(found: readonly Collection[]) {
    const secrets = await vault.openAllSecrets(found)
    return found.map((one, i) => presentCollection(one, secrets[i] as CollectionSecrets | undefined))
  }

  return router
}

export const collectionOperations: readonly Operation[] = [
  {
    id: 'getCollection',
    method: 'get',
    path: '/v1/collections/{id}',
    tag: 'collections',
    summary: 'A pay-in',
    scope: 'transfers:read',
    answers: { 200: { description: 'The pay-in', schema: collectionSchema } },
    problems: ['not-found'],
  },
  {
    id: 'listCollections',
    method: 'get',
    path: '/v1/collections',
    tag: 'collections',
    summary: 'Pay-ins by the provider’s number or by your reference',
    description: 'Exactly one of `transaction` (the provider’s number) and `reference` (yours) is given.',
    scope: 'transfers:read',
    query: listSchema,
    answers: { 200: { description: 'One page of them', schema: pageOf(collectionSchema) } },
  },
]
