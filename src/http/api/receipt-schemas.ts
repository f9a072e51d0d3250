/** Callbacks as an operator sees them; what one says is never shown. */
import { z } from 'zod'
import { refusalReasons } from '../../providers/provider.ts'

export const quarantineEntrySchema = z.object({
  id: z.string(),
  where: z.literal('quarantine'),
  account: z.string(),
  receivedAt: z.string(),
  reason: z.string(),
  /** The address that it came from. */
  source: z.string(),
  /** SHA-256 of the body, hex. */
  digest: z.string(),
  bytes: z.number().int(),
  /** Its body was small enough to keep, so it can be verified again. */
  kept: z.boolean(),
})
export type QuarantineEntryResource = z.infer<typeof quarantineEntrySchema>

export const receiptSchema = z.object({
  id: z.string(),
  where: z.enum(['queue', 'ready', 'store']),
  account: z.string(),
  receivedAt: z.string(),
  keyId: z.string(),
  /** Nothing proved it genuine: it changes nothing by itself. */
  unverified: z.literal(true).optional(),
  digest: z.string(),
  bytes: z.number().int(),
  /** Those that its verification read. */
  headers: z.record(z.string(), z.string()),
  /** Of one that was decided on: what became of it, of which intent, and after which of its events. */
  outcome: z.enum(['applied', 'held', 'repeat', 'stale', 'awaits-person', 'unverified']).optional(),
  intent: z.string().optional(),
  decidedOn: z.number().int().optional(),
  decidedAt: z.string().optional(),
})
export type ReceiptResource = z.infer<typeof receiptSchema>

export const reverificationSchema = z.union([
  z.object({ id: z.string(), outcome: z.literal('authentic'), keyId: z.string(), accepted: z.boolean() }),
  z.object({ id: z.string(), outcome: z.literal('refused'), reason: z.enum(refusalReasons) }),
])
export type ReverificationResource = z.infer<typeof reverificationSchema>
