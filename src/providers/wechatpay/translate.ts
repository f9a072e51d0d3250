/**
 * What a genuine callback says, in our words. Its resource is opened here, behind the queue, so that a missing key costs
 * a replay and not a callback. What is not read for certain is not understood, and kept for a person.
 */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues, readJson, readPlain } from '../read-json.ts'
import type { WechatpayAccount } from './account.ts'
import { decrypt, encryptedSchema } from './decrypt.ts'
import { translateBatch } from './translate-batch.ts'
import { translateBill } from './translate-bill.ts'
import { translateCouponUse } from './translate-coupon.ts'

const envelopeSchema = z.object({ event_type: text, resource: encryptedSchema })

type TranslateResource = (account: WechatpayAccount, resource: unknown) => Translation

const byEvent = new Map<string, TranslateResource>([
  ['MCHTRANSFER.BILL.FINISHED', translateBill],
  ['MCHTRANSFER.BATCH.FINISHED', (account, resource) => translateBatch(account, resource, 'FINISHED')],
  ['MCHTRANSFER.BATCH.CLOSED', (account, resource) => translateBatch(account, resource, 'CLOSED')],
  ['COUPON.USE', translateCouponUse],
])

export function translateCallback(account: WechatpayAccount, body: Buffer): Translation {
  const opened = openCallback(account, body)
  return 'translate' in opened ? opened.translate(account, opened.content) : opened
}

/** Its event's way of reading, and the resource that is to be read. */
export function openCallback(
  account: WechatpayAccount,
  body: Buffer,
): { translate: TranslateResource; content: unknown } | Translation {
  const envelope = readQuickly(body) ?? readEnvelope(body)
  if ('outcome' in envelope) return envelope
  const { event_type: event, resource } = envelope
  const translate = byEvent.get(event)
  if (!translate)
    return notUnderstood(`The event ${JSON.stringify(event.slice(0, 64))} is not one that is handled.`)
  const opened = decrypt(resource, account.apiV3Keys)
  if (opened.outcome === 'not-opened') return notUnderstood(opened.reason)
  const content = readJson(opened.plaintext)
  if ('problem' in content) return notUnderstood(`The decrypted resource ${content.problem}`)
  return { translate, content: content.value }
}

type Envelope = z.output<typeof envelopeSchema>

function readEnvelope(body: Buffer): Envelope | Translation {
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
  const envelope = envelopeSchema.safeParse(parsed.value)
  return envelope.success ? envelope.data : notUnderstood(`The body ${describeIssues(envelope.error)}`)
}

/**
 * The summary is in Chinese and is not read, so that nothing need be decoded: each byte as a letter is the same where what is
 * read is ASCII. Undefined where it is not, or where anything else is out of the way.
 */
function readQuickly(body: Buffer): Envelope | undefined {
  const value = isUtf8(body) ? readPlain(body.toString('latin1')) : undefined
  const envelope = envelopeSchema.safeParse(value)
  if (!envelope.success) return undefined
  const { event_type, resource } = envelope.data
  const { algorithm, ciphertext, nonce, associated_data } = resource
  const read = [event_type, algorithm, ciphertext, nonce, associated_data ?? '']
  return read.every((text) => ascii.test(text)) ? envelope.data : undefined
}

const ascii = /^[\x20-\x7e]*$/
