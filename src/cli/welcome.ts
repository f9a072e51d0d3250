/** What a person sees who starts Tallyhook for the first time. It goes to standard error: standard output is lines of JSON. */
import type { Running } from '../compose.ts'
import type { Config } from '../config/config.ts'

export function showWelcome({ callbackUrl, apiUrl, sandbox }: Running, { dataDir }: Config): void {
  if (!sandbox) return
  process.stderr.write(`
  Tallyhook is ready, in sandbox mode: providers and merchants are make-believe, and no money moves.

  Callbacks    ${callbackUrl}/callbacks/${sandbox.account}
  API          ${apiUrl}/v1
  Console      ${apiUrl}/ops
  Reference    ${apiUrl}/docs
  API token    ${sandbox.apiToken}
  Data         ${dataDir}

  A signed callback for a transfer that waits for it (good for an hour; \`npx tallyhook send\` makes another,
  \`--account wechat-sandbox\` and \`--account acme-sandbox\` those of other providers):

${sandbox.curl}

  What became of it:

curl -s -H 'Authorization: Bearer ${sandbox.apiToken}' '${apiUrl}/v1/transfers?account=${sandbox.account}&reference=${sandbox.reference}'

`)
}
