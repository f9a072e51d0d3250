/**
 * What a genuine callback says, in our words. The two documentations disagree about the form of amounts, statuses and
 * times, and every form is read; what is not read for certain is not understood, and kept for a person.
 */
import { z } from 'zod'
import { optionalText } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues, readJson } from '../read-json.ts'
import type { ZenospayAccount } from './account.ts'
import { translateDisbursement } from './translate-disbursement.ts'
import { translatePayment } from './translate-payment.ts'

const envelopeSchema = z.object({ event: optionalText, data: z.unknown().optional() })

/** A pay-in comes without an envelope as well, and names no event then. */
const flatPaymentSchema = z.object({ transaction_id: z.string(), merchant_transaction_id: z.string() })

export function translateCallback(account: ZenospayAccount, body: Buffer): Translation {
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
  const envelope = envelopeSchema.safeParse(parsed.value)
  if (!envelope.success) return notUnderstood(`The body ${describeIssues(envelope.error)}`)
  const { event, data } = envelope.data
  if (event) return translateEvent(account, event, parsed.value, data)
  if (flatPaymentSchema.safeParse(parsed.value).success) return translatePayment(account, parsed.value)
  return notUnderstood('The body is not of a form that is known: it names no event and is no pay-in.')
}

function translateEvent(account: ZenospayAccount, event: string, body: unknown, data: unknown): Translation {
  switch (event.toLowerCase()) {
    case 'disbursement.completed':
      return translateDisbursement(account, body)
    case 'payment.completed':
      // Only that it names its event is certain, and not that what it says moves under `data`.
      return translatePayment(account, data ?? body)
    default:
      return notUnderstood(`The event ${JSON.stringify(event.slice(0, 64))} is not one that is handled.`)
  }
}
