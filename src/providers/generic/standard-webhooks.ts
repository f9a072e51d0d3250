/**
 * Standard Webhooks (standardwebhooks.com), the symmetric `v1`. The library computes the signature; its own `verify`
 * reads the system's clock, mends what is not UTF-8 and reads `0170…` as `170…`, so the rest is done here: the body has
 * to be UTF-8, because the library signs text and different bytes would look alike; an id has no dot, since dots set
 * apart what is signed; a timestamp is written in one way only.
 */
import { isUtf8 } from 'node:buffer'
import { timingSafeEqual } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { digestBody } from '../digest.ts'
import type { CallbackRequest, RefusalReason, Verification } from '../provider.ts'
import type { StandardWebhooksScheme } from './account.ts'
import { signaturesMax } from './signature-header.ts'
import { isOutside, readTimestamp } from './timestamp.ts'

const idPattern = /^[\x21-\x2d\x2f-\x7e]{1,256}$/

export function createStandardWebhooksVerify(
  scheme: StandardWebhooksScheme,
): (request: CallbackRequest) => Verification {
  const signers = scheme.keys.map(({ id, key }) => ({
    id,
    webhook: new Webhook(key.export(), { format: 'raw' }),
  }))
  const names = headerNames(scheme)

  return (request) => {
    const digest = digestBody(request.body)
    const refuse = (reason: RefusalReason): Verification => ({ outcome: 'refused', reason, digest })

    const id = request.header(names.id)
    if (!id) return refuse('nonce-missing')
    const timestamp = request.header(names.timestamp)
    if (!timestamp) return refuse('timestamp-missing')
    const sentAt = readTimestamp(timestamp, 'unix-seconds')
    if (sentAt === undefined) return refuse('timestamp-malformed')
    const text = request.header(names.signature)
    if (!text) return refuse('signature-missing')
    const given = text.split(' ').filter((item) => item.startsWith('v1,'))
    if (given.length === 0 || given.length > signaturesMax) return refuse('signature-malformed')
    if (!idPattern.test(id) || !isUtf8(request.body)) return refuse('signature-wrong')

    const at = new Date(sentAt)
    const key = signers.find(({ webhook }) => {
      const expected = webhook.sign(id, at, request.body)
      return given.some((item) => sameText(item, expected))
    })
    if (!key) return refuse('signature-wrong')
    if (isOutside(sentAt, request.now, scheme.toleranceMs)) return refuse('outside-window')
    const headers = { [names.id]: id, [names.timestamp]: timestamp, [names.signature]: text }
    return { outcome: 'authentic', keyId: key.id, digest, headers }
  }
}

export function headerNames({ headerPrefix }: StandardWebhooksScheme) {
  return {
    id: `${headerPrefix}-id`,
    timestamp: `${headerPrefix}-timestamp`,
    signature: `${headerPrefix}-signature`,
  }
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given, 'latin1')
  const b = Buffer.from(expected, 'latin1')
  return a.length === b.length && timingSafeEqual(a, b)
}
