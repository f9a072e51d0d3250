import { z } from 'zod'
import { type Collection, type CollectionSecrets, collectionStates } from '../domain/collection.ts'
import { formatTime } from '../domain/time.ts'
import {
  baseFields,
  erasedSchema,
  moneySchema,
  presentBase,
  presentMoney,
  timeSchema,
} from './shared-resource.ts'

export const collectionSchema = z.object({
  ...baseFields,
  providerReference: z.string().meta({ description: 'The provider’s number.' }),
  amount: moneySchema,
  fee: moneySchema.optional(),
  net: moneySchema.optional(),
  channel: z.string().optional(),
  rrn: z.string().optional(),
  customer: z.union([z.object({ name: z.string().optional() }), erasedSchema]),
  state: z.enum(collectionStates),
  completedAt: timeSchema,
})
export type CollectionResource = z.infer<typeof collectionSchema>

export function presentCollection(
  collection: Collection,
  secrets: CollectionSecrets | undefined,
): CollectionResource {
  const { fee, net } = collection
  return Object.assign(presentBase(collection), {
    providerReference: collection.transaction,
    amount: presentMoney(collection.amount),
    fee: fee && presentMoney(fee),
    net: net && presentMoney(net),
    channel: collection.channel,
    rrn: collection.rrn,
    customer: secrets ? { name: secrets.customerName } : { erased: true },
    state: collection.state,
    completedAt: formatTime(collection.completedAt),
  })
}
