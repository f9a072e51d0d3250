/**
 * What a genuine callback says, in our words. Its resource is opened here, behind the queue, so that a missing key costs
 * a replay and not a callback. What is not read for certain is not understood, and kept for a person.
 */
import { z } from 'zod'
import { text } from '../fields.ts'
import { notUnderstood, type Translation } from '../provider.ts'
import { describeIssues, readJson } from '../read-json.ts'
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
  const parsed = readJson(body)
  if ('problem' in parsed) return notUnderstood(`The body ${parsed.problem}`)
  const envelope = envelopeSchema.safeParse(parsed.value)
  if (!envelope.success) return notUnderstood(`The body ${describeIssues(envelope.error)}`)
  const { event_type: event, resource } = envelope.data
  const translate = byEvent.get(event)
  if (!translate)
    return notUnderstood(`The event ${JSON.stringify(event.slice(0, 64))} is not one that is handled.`)
  const opened = decrypt(resource, account.apiV3Keys)
  if (opened.outcome === 'not-opened') return notUnderstood(opened.reason)
  const content = readJson(opened.plaintext)
  if ('problem' in content) return notUnderstood(`The decrypted resource ${content.problem}`)
  return { translate, content: content.value }
}
