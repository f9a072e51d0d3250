/**
 * One callback's way from bytes to an answer, without HTTP: verify, seal, make durable. 2xx is answered for `durable`
 * alone.
 */
import { AppError, asAppError, type ErrorCode } from '../../domain/errors.ts'
import type { IdMaker, ReceiptId } from '../../domain/ids.ts'
import type { Receipt } from '../../domain/receipt.ts'
import type { AccountProvider, CallbackRequest, RefusalReason } from '../../providers/provider.ts'

export type IntakeOutcome =
  | { outcome: 'durable'; receiptId: ReceiptId; digest: string; keyId: string }
  | { outcome: 'not-authentic'; reason: RefusalReason; digest: string }
  | { outcome: 'try-later'; code: ErrorCode; receiptId?: ReceiptId; digest?: string }

export interface IntakeDeps {
  /** Why no callback can be taken right now; undefined when it can. */
  unavailable(): ErrorCode | undefined
  enqueue(receipt: Receipt, signal: AbortSignal): Promise<void>
  seal(plain: Uint8Array, place: string): string
  ids: IdMaker
}

export type Intake = (
  provider: AccountProvider,
  request: CallbackRequest,
  signal: AbortSignal,
) => Promise<IntakeOutcome>

export function createIntake(deps: IntakeDeps): Intake {
  return async (provider, request, signal) => {
    const unavailable = deps.unavailable()
    if (unavailable) return { outcome: 'try-later', code: unavailable }
    if (signal.aborted) return { outcome: 'try-later', code: 'not-durable-yet' }
    const answer = provider.verify(request)
    const verification = answer instanceof Promise ? await answer : answer
    if (verification.outcome === 'keys-not-loaded') {
      return { outcome: 'try-later', code: 'keys-not-loaded', digest: verification.digest }
    }
    if (verification.outcome === 'refused') {
      return { outcome: 'not-authentic', reason: verification.reason, digest: verification.digest }
    }
    const { digest, keyId, headers, unverified } = verification
    const id = deps.ids.receiptId()
    const body = deps.seal(request.body, `receipt:${id}`)
    const receipt: Receipt = {
      id,
      account: provider.account,
      receivedAt: request.now,
      keyId,
      digest,
      headers,
      body,
      ...(unverified && { unverified }),
    }
    try {
      await Promise.race([deps.enqueue(receipt, signal), patienceOf(signal)])
      return { outcome: 'durable', receiptId: id, digest, keyId }
    } catch (error) {
      return { outcome: 'try-later', code: asAppError(error).code, receiptId: id, digest }
    }
  }
}

/** The answer may still come after this; the provider has been told to come again by then, and a repeat is harmless. */
function patienceOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = () => reject(new AppError('not-durable-yet'))
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })
}
