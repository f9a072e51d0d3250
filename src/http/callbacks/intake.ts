/**
 * One callback's way from bytes to an answer, without HTTP: verify, make durable. 2xx is answered for `durable`
 * alone.
 */
import { asAppError, type ErrorCode } from '../../domain/errors.ts'
import type { IdMaker, ReceiptId } from '../../domain/ids.ts'
import type { OpenReceipt } from '../../domain/receipt.ts'
import type { AccountProvider, CallbackRequest, RefusalReason } from '../../providers/provider.ts'
import { type Patience, whilePatient } from '../../telemetry/patience.ts'

export type IntakeOutcome =
  | { outcome: 'durable'; receiptId: ReceiptId; digest: string; keyId: string; unverified?: true | undefined }
  | { outcome: 'not-authentic'; reason: RefusalReason; digest: string }
  | { outcome: 'try-later'; code: ErrorCode; receiptId?: ReceiptId; digest?: string }

export interface IntakeDeps {
  /** Why no callback can be taken right now; undefined when it can. */
  unavailable(): ErrorCode | undefined
  enqueue(receipt: OpenReceipt, patience: Patience): Promise<void>
  ids: IdMaker
}

export type Intake = (
  provider: AccountProvider,
  request: CallbackRequest,
  patience: Patience,
) => Promise<IntakeOutcome>

export function createIntake(deps: IntakeDeps): Intake {
  return async (provider, request, patience) => {
    const unavailable = deps.unavailable()
    if (unavailable) return { outcome: 'try-later', code: unavailable }
    if (patience.over) return { outcome: 'try-later', code: 'not-durable-yet' }
    const answer = provider.verify(request)
    const verification = answer instanceof Promise ? await whilePatient(patience, answer) : answer
    if (!verification) return { outcome: 'try-later', code: 'keys-not-loaded' }
    if (verification.outcome === 'keys-not-loaded') {
      return { outcome: 'try-later', code: 'keys-not-loaded', digest: verification.digest }
    }
    if (verification.outcome === 'refused') {
      return { outcome: 'not-authentic', reason: verification.reason, digest: verification.digest }
    }
    const { digest, keyId, headers, unverified } = verification
    const id = deps.ids.receiptId()
    const receipt: OpenReceipt = {
      id,
      account: provider.account,
      receivedAt: request.now,
      keyId,
      digest,
      headers,
      opened: request.body,
      ...(unverified && { unverified }),
    }
    try {
      await deps.enqueue(receipt, patience)
      return { outcome: 'durable', receiptId: id, digest, keyId, unverified }
    } catch (error) {
      return { outcome: 'try-later', code: asAppError(error).code, receiptId: id, digest }
    }
  }
}
