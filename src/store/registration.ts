/**
 * A batch is registered in steps that anyone can finish, since its transfers and their references lie in several
 * partitions. What has to be decided between the steps is decided here; `batches.ts` takes them.
 *
 *   claiming   each transfer's own reference is claimed, where the provider makes those unique in the account. One that is
 *              taken leads to `refusing`
 *   writing    all of them are ours: from here it only goes forward. The transfers are written, then the claims become pointers
 *   refusing   the claims are let go of, and nothing is left
 *
 * Until the last step the batch's own key holds a claim that names the attempt and the phase, and no record: what is about
 * the batch waits, as what is about its transfers does. A claim on a reference names the batch and the attempt: it
 * holds as long as the batch's draft is that attempt's. An attempt's name is never used again, so a claim that has once
 * ceased to hold, left behind by somebody who was slow, can be taken over.
 *
 * A transfer that joins a batch is registered in the same way, with a draft under its own id (`joins.ts`).
 */
import type { BatchId, IntentId, TransferId } from '../domain/ids.ts'
import { encodeClaim, encodePointer } from './codec/codec.ts'

export type Phase = 'claiming' | 'writing' | 'refusing'

export interface UnderWay {
  attempt: string
  phase: Phase
}

/** A transfer's own reference, and the transfer that it will lead to. */
export interface Place {
  position: number
  own: TransferId
  member: TransferId
}

export interface Claim {
  /** Whose draft it belongs to. */
  by: BatchId | TransferId
  attempt: string
}

/** What was found under a transfer's own reference. */
export type Found =
  | { found: 'nothing' | 'mine' | 'pointer-of-mine' | 'taken' }
  | { found: 'claim'; claim: Claim; text: string }

const mark = encodeClaim('')

export function encodeUnderWay({ attempt, phase }: UnderWay): string {
  return encodeClaim(`${attempt} ${phase}`)
}

/** Undefined where no registration is under way. */
export function readUnderWay(text: string | null | undefined): UnderWay | undefined {
  if (!text?.startsWith(mark)) return undefined
  const [attempt = '', phase] = text.slice(mark.length).split(' ')
  return { attempt, phase: phase as Phase }
}

export function encodeClaimOf({ by, attempt }: Claim): string {
  return encodeClaim(`${by} ${attempt}`)
}

export function readClaim(text: string | null | undefined): Claim | undefined {
  if (!text?.startsWith(mark)) return undefined
  const [by = '', attempt = ''] = text.slice(mark.length).split(' ')
  return { by: by as Claim['by'], attempt }
}

export function judge(text: unknown, { member }: Place, mine: Claim | undefined): Found {
  if (typeof text !== 'string') return { found: 'nothing' }
  if (mine && text === encodeClaimOf(mine)) return { found: 'mine' }
  if (mine && text === encodePointer(member as IntentId)) return { found: 'pointer-of-mine' }
  const claim = readClaim(text)
  return claim ? { found: 'claim', claim, text } : { found: 'taken' }
}
