import assert from 'node:assert/strict'
import { createGeneric } from '../../../src/providers/generic/index.ts'
import type { Verification } from '../../../src/providers/provider.ts'
import { declare, noFetch, reasonOf, requestOf } from '../../support/generic.ts'

type Draft = Record<string, unknown>

async function verify(
  scheme: Draft,
  headers: Record<string, string>,
  body: string,
  at = 0,
): Promise<Verification> {
  return createGeneric(declare(scheme), { fetch: noFetch }).verify(requestOf({ headers, body }, at))
}

const reason = async (...args: Parameters<typeof verify>) => reasonOf(await verify(...args))

// RFC 7515, appendix A.1.1; RFC 7797 uses the same key.
const hsSecret = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'
const hs = { scheme: 'jws', algorithms: ['HS256'], secrets: [hsSecret], secretEncoding: 'base64url' }
const claims =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const hsToken = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`

const publicJwks: [string, Draft, string][] = [
  [
    'RS256 (RFC 7515, A.2)',
    {
      kty: 'RSA',
      n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
      e: 'AQAB',
    },
    `eyJhbGciOiJSUzI1NiJ9.${claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  ],
  [
    'ES256 (RFC 7515, A.3)',
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    `eyJhbGciOiJFUzI1NiJ9.${claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  ],
  [
    'EdDSA (RFC 8037, A.4)',
    { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  ],
]

describe('generic verification: published examples', () => {
  it('X-Hub-Signature-256 of GitHub', async () => {
    const scheme = {
      scheme: 'hmac-sha256',
      header: 'X-Hub-Signature-256',
      prefix: 'sha256=',
      secrets: ["It's a Secret to Everybody"],
    }
    const signature = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const headers = { 'x-hub-signature-256': `sha256=${signature}` }
    assert.equal(await reason(scheme, headers, 'Hello, World!'), 'authentic')
    assert.equal(await reason(scheme, headers, 'Hello, World'), 'signature-wrong')
  })

  it('Standard Webhooks', async () => {
    const scheme = { scheme: 'standard-webhooks', secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] }
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    const body = '{"test": 2432232314}'
    assert.equal(await reason(scheme, headers, body, 1_614_265_330_000), 'authentic')
    assert.equal(await reason(scheme, headers, body.replace(' ', ''), 1_614_265_330_000), 'signature-wrong')
  })

  it('HS256 (RFC 7515, A.1)', async () => assert.equal(await reason(hs, {}, hsToken), 'authentic'))

  it('detached content (RFC 7515, appendix F, of A.1)', async () => {
    const [head, , signature] = hsToken.split('.')
    const headers = { 'x-jws-signature': `${head}..${signature}` }
    const body = Buffer.from(claims, 'base64url').toString()
    const scheme = { ...hs, form: 'detached', header: 'X-JWS-Signature' }
    assert.equal(await reason(scheme, headers, body), 'authentic')
    assert.equal(await reason(scheme, headers, `${body} `), 'signature-wrong')
  })

  it('unencoded payload (RFC 7797, section 4.2), and the same encoded (4.1)', async () => {
    const scheme = { ...hs, form: 'detached', header: 'x-jws-signature' }
    const unencoded =
      'eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY'
    const encoded = 'eyJhbGciOiJIUzI1NiJ9..5mvfOroL-g7HyqJoozehmsaqmvTYGEq5jTI1gVvoEoQ'
    assert.equal(await reason(scheme, { 'x-jws-signature': unencoded }, '$.02'), 'authentic')
    assert.equal(await reason(scheme, { 'x-jws-signature': encoded }, '$.02'), 'authentic')
    assert.equal(await reason(scheme, { 'x-jws-signature': unencoded }, '$.03'), 'signature-wrong')
  })

  for (const [title, jwk, token] of publicJwks) {
    it(title, async () => {
      const algorithms = [title.split(' ')[0]]
      const scheme = { scheme: 'jws', algorithms, publicKeys: [JSON.stringify(jwk)] }
      assert.equal(await reason(scheme, {}, token), 'authentic')
      const changed = token.replace('.', '.A')
      assert.notEqual(await reason(scheme, {}, changed), 'authentic')
    })
  }
})
