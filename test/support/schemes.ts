/** One account for each scheme that a callback can be verified by, with what signs for it. */
import { randomBytes } from 'node:crypto'
import type { AccountProvider } from '../../src/providers/provider.ts'
import { createZenospay } from '../../src/providers/zenospay/index.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import type { Headers } from './raw-http.ts'
import { disbursement, signedBody, testAccount } from './zenospay.ts'

export interface SchemeUnderTest {
  name: string
  provider: AccountProvider
  /** Of these each one matters: changed, dropped or doubled, the callback is not genuine any more. */
  signedHeaders: string[]
  /** A new one each time. */
  body(): Buffer
  sign(body: Buffer): Promise<{ headers: Headers; body: Buffer }>
}

export function schemesUnderTest(): SchemeUnderTest[] {
  return [
    {
      name: 'zenospay',
      provider: createZenospay({ ...testAccount, id: 'zenospay' }),
      signedHeaders: ['x-signature', 'x-timestamp', 'x-partner-id'],
      body: () =>
        Buffer.from(describeDisbursement(disbursement({ reference: randomBytes(6).toString('hex') }))),
      async sign(body) {
        const { headers } = signedBody(body as unknown as string)
        return { headers: Object.entries(headers), body }
      },
    },
  ]
}
