import { z } from 'zod'
import { type Case, caseKinds, caseStates } from '../domain/case.ts'
import { resolutionActions } from '../domain/observation.ts'
import { formatTime } from '../domain/time.ts'
import { timeSchema } from './shared-resource.ts'

export const caseSchema = z.object({
  id: z.string(),
  account: z.string(),
  kind: z.enum(caseKinds),
  code: z.string(),
  reason: z.string(),
  receipt: z.string().optional().meta({ description: 'Of a callback that could not be applied.' }),
  intent: z.string().optional().meta({ description: 'What it is about, otherwise.' }),
  known: z.string().optional().meta({ description: 'The receipt that made the intent what it was.' }),
  receipts: z.array(z.string()).optional().meta({ description: 'Those that contradict it or came since.' }),
  state: z.enum(caseStates),
  openedAt: timeSchema,
  resolvedAt: timeSchema.optional(),
  resolution: z.enum(['applied', 'by-person']).optional(),
  action: z.enum(resolutionActions).optional(),
  taken: z.string().optional().meta({ description: 'The receipt whose word was taken.' }),
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
