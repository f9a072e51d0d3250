/** The `tallyhook.yaml` that a sandbox hands out: a configuration as anybody would write it, with comments. */
import { scopes } from '../../domain/scopes.ts'

export const accounts = { zenospay: 'zeno-sandbox', wechatpay: 'wechat-sandbox' } as const
export const partnerId = 'sandbox-client'

export interface ConfigurationFacts {
  url: string
  mchid: string
  serialNo: string
  publicKeyId: string
  certificateSerial: string
  tokenDigest: string
}

export function writeConfiguration(facts: ConfigurationFacts): string {
  return `# Tallyhook against the sandbox of \`tallyhook sandbox\`. Files are looked for beside this one.
accounts:
  - id: ${accounts.zenospay}
    provider: zenospay
    currency: IDR
    partnerId: ${partnerId}
    baseUrl: ${facts.url}
    merchantPrivateKey: { file: zenospay-merchant.key }
    providerPublicKeys:
      - { file: zenospay-provider.pub }
      # The provider is about to change to this one.
      - { file: zenospay-next.pub }
    # A sandbox may be asked more often than a provider.
    watch: { firstAfterSeconds: 2, everySeconds: 2 }
  - id: ${accounts.wechatpay}
    provider: wechatpay
    currency: CNY
    mchid: "${facts.mchid}"
    serialNo: "${facts.serialNo}"
    baseUrl: ${facts.url}
    merchantPrivateKey: { file: wechatpay-merchant.key }
    apiV3Keys:
      - { file: wechatpay-apiv3.key }
    platformKeys:
      ${facts.publicKeyId}: { file: wechatpay-platform.pub }
      "${facts.certificateSerial}": { file: wechatpay-certificate.pem }
    watch: { firstAfterSeconds: 2, everySeconds: 2 }
api:
  tokens:
    # The token is in api.token.
    - id: sandbox
      sha256: "${facts.tokenDigest}"
      scopes: [${scopes.map((scope) => `"${scope}"`).join(', ')}]
seal:
  keys:
    - { id: sandbox, key: { file: seal.key } }
  indexKey: { file: index.key }
# The sandbox is on this machine, and speaks plain HTTP.
outbound: { allow: [127.0.0.0/8, "::1/128"], http: true }
`
}
