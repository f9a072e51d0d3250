import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { type NotVerifiedCode, verifyDelivery } from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`
const secret = newSecret()
const now = Date.UTC(2026, 0, 2)
const clock = () => now

/** Signed by the specification's own library. */
function sign(body: string, { by = secret, at = now, id = 'ev-1' } = {}): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(by).sign(id, new Date(at), body),
  }
}

function refuses(code: NotVerifiedCode, verify: () => unknown): void {
  assert.throws(verify, { name: 'DeliveryNotVerified', code })
}

describe('verifying a delivery', () => {
  const event = newEvent('tr-1', 1)
  const body = JSON.stringify(event)

  it('gives the event, of bytes and of text, from Headers and from a plain object', () => {
    const headers = sign(body)
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    )
    for (const given of [headers, upper, new Headers(headers)])
      for (const raw of [body, Buffer.from(body), new TextEncoder().encode(body)])
        assert.deepEqual(verifyDelivery(given, raw, [secret], { clock }), event)
  })

  it('takes either secret while they rotate, in whichever order', () => {
    const [old, next] = [newSecret(), newSecret()]
    const both = { ...sign(body, { by: next }) }
    both['webhook-signature'] += ` ${sign(body, { by: old })['webhook-signature']} v1a,other`
    for (const secrets of [old, next, [old, next], [newSecret(), old]])
      assert.equal(verifyDelivery(both, body, secrets, { clock }).id, event.id)
    refuses('no-signature-matches', () => verifyDelivery(both, body, newSecret(), { clock }))
  })

  it('lets a type pass that is newer than it', () => {
    const newer = JSON.stringify({ ...event, type: 'tallyhook.refund.made.v1' })
    assert.equal(
      String(verifyDelivery(sign(newer), newer, secret, { clock }).type),
      'tallyhook.refund.made.v1',
    )
  })

  it('takes what is signed within the tolerance, to the second', () => {
    const at = (seconds: number) => () =>
      verifyDelivery(sign(body), body, secret, { clock: () => now + seconds * 1000 })
    assert.ok(at(300)())
    assert.ok(at(-300)())
    refuses('too-old', at(301))
    refuses('too-new', at(-301))
    for (const none of [{ clock, toleranceSeconds: Number.NaN }, { clock: () => Number.NaN }])
      refuses('too-old', () => verifyDelivery(sign(body), body, secret, none))
    const wide = { clock: () => now + 3_000_000, toleranceSeconds: 3_000 }
    assert.ok(verifyDelivery(sign(body), body, secret, wide))
  })

  describe('refuses', () => {
    const tampered = (change: Record<string, string | string[] | undefined>) => () =>
      verifyDelivery({ ...sign(body), ...change }, body, secret, { clock })

    it('a body of other bytes, also of the same object written again', () => {
      const again = JSON.stringify(JSON.parse(body), null, 1)
      refuses('no-signature-matches', () => verifyDelivery(sign(body), again, secret, { clock }))
      refuses('body-not-raw', () => verifyDelivery(sign(body), event as never, secret, { clock }))
    })

    it('another id and another time than were signed', () => {
      refuses('no-signature-matches', tampered({ 'webhook-id': 'ev-2' }))
      refuses('no-signature-matches', tampered({ 'webhook-timestamp': String(now / 1000 + 1) }))
    })

    it('headers that are missing, empty, there twice or none', () => {
      for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
        refuses('missing-header', tampered({ [name]: undefined }))
        refuses('missing-header', tampered({ [name]: '' }))
        refuses('malformed-header', tampered({ [name]: ['1', '2'] }))
      }
      for (const time of ['soon', '1e9', '-1', '0x10', ' 1', '1.5', '9'.repeat(13)])
        refuses('malformed-header', tampered({ 'webhook-timestamp': time }))
      for (const signature of ['v1', 'v1,', 'v1,x', `v2${sign(body)['webhook-signature']?.slice(2)}`, ','])
        refuses('no-signature-matches', tampered({ 'webhook-signature': signature }))
    })

    it('more signatures than anybody rotates', () => {
      const many = `${'v1,x '.repeat(16)}${sign(body)['webhook-signature']}`
      refuses('no-signature-matches', tampered({ 'webhook-signature': many }))
    })

    it('what is signed rightly and is no event', () => {
      for (const other of ['', 'x', 'null', '[]', '{}', JSON.stringify({ ...event, sequence: '1' })])
        refuses('not-an-event', () => verifyDelivery(sign(other), other, secret, { clock }))
      const broken = Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0xff])])
      refuses('no-signature-matches', () => verifyDelivery(sign(body), broken, secret, { clock }))
    })

    it('secrets that are none, before anything is looked at', () => {
      for (const secrets of [[], '', 'whsec_', 'whsec_####', 'whsec_c2hvcnQ=', [secret, 'x']])
        assert.throws(() => verifyDelivery({}, body, secrets, { clock }), TypeError)
    })
  })
})
