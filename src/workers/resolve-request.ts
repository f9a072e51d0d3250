/** What somebody asks for when they resolve a case, and why it may not be. */
import type { ByPerson, Case, ResolvedCase } from '../domain/case.ts'
import { AppError } from '../domain/errors.ts'
import type { ReceiptId } from '../domain/ids.ts'
import type { ResolutionAction } from '../domain/observation.ts'
import { formatTime } from '../domain/time.ts'

export interface ResolveRequest {
  /** A case's id, as somebody wrote it. */
  id: string
  by: string
  reason: string
  action?: ResolutionAction | undefined
  /** Whose word is taken, where several came; the one that opened the case otherwise. */
  receipt?: string | undefined
}

export type HeldAbout = Case & { kind: 'held' }

export function readRequest(request: ResolveRequest, { receipts }: HeldAbout) {
  const { action, receipt } = request
  if (action === undefined)
    throw invalid('action', 'required', 'What is held takes one of take-theirs, keep-ours and cancel.')
  if (receipt !== undefined && action !== 'take-theirs')
    throw invalid('receipt', 'not-for-this-action', 'Only take-theirs takes a receipt.')
  const named = receipts.find((one) => one === receipt)
  if (receipt !== undefined && !named)
    throw invalid('receipt', 'not-in-case', 'The case has no such receipt.')
  return { ...request, action, receipt: action === 'take-theirs' ? (named ?? receipts[0]) : undefined }
}

export function refuseAction(request: ResolveRequest): ResolveRequest {
  for (const path of ['action', 'receipt'] as const) {
    if (request[path] !== undefined)
      throw invalid(path, 'not-for-this-case', 'Nothing is held here: it is only noted as dealt with.')
  }
  return request
}

export function describeResolution(
  { by, reason }: ResolveRequest,
  action: ResolutionAction,
  taken: ReceiptId | undefined,
): ByPerson {
  const resolution = { resolution: 'by-person', resolvedBy: by, resolvedBecause: reason } as const
  return { ...resolution, action, ...(taken && { taken }) }
}

export function noSuchCase(): AppError {
  return new AppError('not-found', { detail: 'There is no case with this id.' })
}

export function resolvedOtherwise(after: ResolvedCase): AppError {
  const who = after.resolution === 'applied' ? 'Its callback was applied' : 'Somebody resolved it'
  return new AppError('case-resolved', { detail: `${who} at ${formatTime(after.resolvedAt)}.` })
}

export function cannotTake(detail: string): AppError {
  return new AppError('cannot-resolve', { detail: `Their word cannot be taken. ${detail}` })
}

function invalid(path: string, code: string, message: string): AppError {
  return new AppError('invalid-request', {
    detail: 'The request is not valid; `errors` says where.',
    errors: [{ path, code, message }],
  })
}
