/** The configuration of the program that delivers, and the callbacks of its one provider. */
import { createHmac, randomBytes } from 'node:crypto'
import { digestBody } from '../src/providers/digest.ts'

const account = 'chaos'
const currency = 'IDR'
const amount = '25000.00'

export const deliverCallbackPath = `/callbacks/${account}`

/** So short that what hangs is seen to hang within a test. */
const timeoutSeconds = 2

export type DeliverProvider = ReturnType<typeof createDeliverProvider>

export function createDeliverProvider() {
  const secret = randomBytes(32).toString('hex')
  const token = randomBytes(32).toString('hex')
  return {
    token,
    configuration: {
      accounts: [
        {
          id: account,
          provider: 'generic',
          currency,
          verify: {
            scheme: 'hmac-sha256',
            header: 'x-signature',
            prefix: 'sha256=',
            signed: '{timestamp}.{body}',
            timestampHeader: 'x-timestamp',
            secrets: [secret],
          },
          translate: {
            reference: '/reference',
            amount: '/amount',
            status: '/status',
            statuses: { open: 'pending', paid: 'succeeded' },
          },
        },
      ],
      api: {
        tokens: [
          {
            id: 'chaos',
            sha256: digestBody(Buffer.from(token)),
            scopes: ['transfers:write', 'events:read', 'subscriptions:write'],
          },
        ],
      },
      seal: {
        keys: [{ id: 'chaos', key: randomBytes(32).toString('base64') }],
        indexKey: randomBytes(32).toString('base64'),
      },
      deliveries: { timeoutSeconds },
      outbound: { allow: ['127.0.0.0/8'], http: true },
    },

    registration: (reference: string) => ({
      account,
      reference,
      amount: { value: amount, currency },
      beneficiary: { bankCode: '002', accountNumber: '0000000000', name: 'John Doe' },
    }),

    callback(reference: string, status: 'open' | 'paid') {
      const body = JSON.stringify({ reference, amount, status })
      const timestamp = String(Math.floor(Date.now() / 1000))
      const mac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
      const headers = {
        'content-type': 'application/json',
        'x-timestamp': timestamp,
        'x-signature': `sha256=${mac}`,
      }
      return { body, headers }
    },
  }
}
