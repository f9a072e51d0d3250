/** What a provider answered, as receipts that go the way of a callback. */
import { createHash } from 'node:crypto'
import type { OpenReceipt } from '../../domain/receipt.ts'
import type { AnswerPart, CallResult } from '../../providers/client.ts'
import type { AccountDeps, Turn } from './deps.ts'

type AnswerDeps = Pick<AccountDeps, 'account' | 'reconcile' | 'mintReceipt' | 'clock' | 'logger'>

/** False where some of it could not be applied: the log says why, and it is asked again. */
export async function applyParts(deps: AnswerDeps, parts: readonly AnswerPart[]): Promise<boolean> {
  if (parts.length === 0) return true
  const failed = await deps.reconcile.applyAll(parts.map((part) => toReceipt(deps, part)))
  return failed.length === 0
}

function toReceipt(
  { account, mintReceipt, clock }: AnswerDeps,
  { asked, body, keyId, headers }: AnswerPart,
): OpenReceipt {
  return {
    id: mintReceipt(),
    account,
    receivedAt: clock(),
    keyId,
    digest: createHash('sha256').update(body).digest('hex'),
    headers,
    asked,
    opened: body,
  }
}

/** A client that throws is a mistake of ours, and nobody knows how far it had come. */
export async function guardCall(
  { account, logger }: AnswerDeps,
  { found }: Pick<Turn, 'found'>,
  call: () => Promise<CallResult>,
): Promise<CallResult> {
  try {
    return await call()
  } catch (error) {
    logger.error('provider.call-broke', { account, intentId: found.intent.id, error })
    return { outcome: 'unknown', because: 'The call broke off.' }
  }
}
