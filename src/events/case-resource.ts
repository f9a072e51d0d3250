import { z } from 'zod'
import { type Case, caseKinds, caseStates } from '../domain/case.ts'
import { resolutionActions } from '../domain/observation.ts'
import { formatTime } from '../domain/time.ts'

export const caseSchema = z.object({
  id: z.string(),
  account: z.string(),
  kind: z.enum(caseKinds),
  code: z.string(),
  reason: z.string(),
  /** Of a callback that could not be applied. */
  receipt: z.string().optional(),
  /** What it is about, otherwise. */
  intent: z.string().optional(),
  /** The receipt that made the intent what it was, and those that contradict it or came since. */
  known: z.string().optional(),
  receipts: z.array(z.string()).optional(),
  state: z.enum(caseStates),
  openedAt: z.string(),
  resolvedAt: z.string().optional(),
  resolution: z.enum(['applied', 'by-person']).optional(),
  action: z.enum(resolutionActions).optional(),
  /** The receipt whose word was taken. */
  taken: z.string().optional(),
  resolvedBy: z.string().optional(),
  resolvedBecause: z.string().optional(),
})
export type CaseResource = z.infer<typeof caseSchema>

export function presentCase(one: Case): CaseResource {
  const { id, account, kind, code, reason, state, openedAt } = one
  const base = {
    id,
    account,
    kind,
    ...describeSubject(one),
    code,
    reason,
    state,
    openedAt: formatTime(openedAt),
  }
  if (one.state === 'open') return base
  const settled = { ...base, resolvedAt: formatTime(one.resolvedAt), resolution: one.resolution }
  if (one.resolution === 'applied') return settled
  const { action, taken, resolvedBy, resolvedBecause } = one
  return { ...settled, ...(action && { action }), ...(taken && { taken }), resolvedBy, resolvedBecause }
}

function describeSubject(one: Case) {
  if (one.kind === 'callback-not-applied') return { receipt: one.receipt }
  const known = one.kind === 'held' && one.known !== undefined && { known: one.known }
  return { intent: one.intent, ...known, receipts: one.receipts }
}
