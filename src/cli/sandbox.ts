/** `tallyhook sandbox`: the make-believe providers by themselves, for whoever wants to try something against them. */
import { dirname, join } from 'node:path'
import { openDoor } from '../sandbox/door.ts'
import { createFates } from '../sandbox/fates.ts'
import { startProviders } from '../sandbox/providers.ts'
import { createLogger } from '../telemetry/logger.ts'
import { type Output, processOutput } from './output.ts'
import { accounts } from './sandbox/configuration.ts'
import { prepareFiles, type SandboxFiles } from './sandbox/files.ts'
import { help, parseFlags, type SandboxFlags } from './sandbox/flags.ts'

export async function runSandbox(args: string[]): Promise<number> {
  const flags = parseFlags(args)
  if (flags.help) {
    processOutput.out(help)
    return 0
  }
  const stopped = untilSignal()
  const sandbox = await startSandbox(flags, processOutput)
  await stopped
  await sandbox.stop()
  return 0
}

export async function startSandbox(flags: SandboxFlags, output: Output): Promise<{ stop(): Promise<void> }> {
  const { host, port, callbackUrl } = flags
  const door = await openDoor({ host, port })
  try {
    const files = prepareFiles(flags.dir, door.url, Date.now())
    const stop = startProviders({
      door,
      keys: files.keys,
      callbackUrls: {
        zenospay: `${callbackUrl}/callbacks/${accounts.zenospay}`,
        wechatpay: `${callbackUrl}/callbacks/${accounts.wechatpay}`,
      },
      fates: createFates(flags.fates),
      clock: Date.now,
      fetch,
      logger: createLogger({ level: flags.logLevel, format: flags.json ? 'json' : 'pretty' }),
    })
    output.out(flags.json ? describeLine(door.url, files) : describe(door.url, flags, files))
    if (files.leadsElsewhere)
      output.err(`${files.configFile} names another address than ${door.url}; remove it to have a new one.\n`)
    return { stop }
  } catch (error) {
    await door.close()
    throw error
  }
}

function describeLine(url: string, { configFile, apiToken }: SandboxFiles): string {
  const line = { event: 'ready', url, state: `${url}/sandbox/state`, configuration: configFile, apiToken }
  return `${JSON.stringify(line)}\n`
}

function describe(
  url: string,
  { callbackUrl }: SandboxFlags,
  { configFile, apiToken }: SandboxFiles,
): string {
  const { port } = new URL(callbackUrl)
  // Of its own: that of sandbox mode is sealed under other keys, and a start on it would be refused.
  const dataDir = join(dirname(configFile), 'data')
  return `
  The sandbox is ready: a make-believe Zenospay and WeChat Pay, and no money moves.

  Both         ${url}
  Believes     ${url}/sandbox/state (in memory: a restart forgets it)
  Calls back   ${callbackUrl}/callbacks/${accounts.zenospay} and /${accounts.wechatpay}
  API token    ${apiToken}

  Tallyhook against it, in another terminal:

export TALLYHOOK_CONFIG=${configFile} TALLYHOOK_DATA_DIR=${dataDir} CALLBACK_PORT=${port === '' ? '8080' : port}
npx tallyhook

  A payout whose callback is lost, so that Tallyhook has to ask:

curl -s http://127.0.0.1:8081/v1/transfers -H 'Authorization: Bearer ${apiToken}' -H 'Content-Type: application/json' -d '{
  "account": "${accounts.zenospay}", "reference": "payoutLostCallback1", "submit": true,
  "amount": {"value": "25000.00", "currency": "IDR"},
  "beneficiary": {"bankCode": "002", "accountNumber": "0000000000", "name": "John Doe"}}'

`
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve())
  })
}
