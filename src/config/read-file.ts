import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { formatPath } from '../domain/errors.ts'
import { resolveAccount } from './accounts/accounts.ts'
import { type ConfigFile, fileSchema } from './file-schema.ts'
import { invalidConfiguration } from './invalid.ts'
import { readOps } from './ops.ts'
import { checkTokenDigest, readSecret, readSymmetricKey, type SecretSources } from './secrets.ts'
import type { DeliverySettings, Settings } from './settings.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export function readConfigFile(path: string, env: NodeJS.ProcessEnv): Settings {
  const file = resolve(path)
  return resolveSettings(parseConfig(readText(file), file), { folder: dirname(file), env })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalidConfiguration('TALLYHOOK_CONFIG', `The file ${file} cannot be read.`, cause)
  }
}

/** YAML 1.2, of which JSON is a part. */
export function parseConfig(text: string, file: string): ConfigFile {
  const document = parseDocument(text, { uniqueKeys: true })
  const [broken] = document.errors
  if (broken)
    throw invalidConfiguration(
      file,
      `It is not YAML: ${(broken.message.split('\n')[0] ?? '').replace(/:$/, '')}.`,
    )
  const parsed = fileSchema.safeParse(toPlain(document, file))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (!issue) throw invalidConfiguration(file, 'It is not valid.')
  if (issue.code === 'unrecognized_keys') {
    throw invalidConfiguration(formatPath([...issue.path, issue.keys[0] ?? '']), 'This setting is not known.')
  }
  throw invalidConfiguration(formatPath(issue.path) || file, issue.message)
}

/** Of what it cannot resolve the library names the text, which may be a secret that somebody forgot to quote. */
function toPlain(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS()
  } catch {
    throw invalidConfiguration(
      file,
      'An alias in it cannot be resolved; text that begins with * stands in quotes.',
    )
  }
}

export function resolveSettings(file: ConfigFile, sources: SecretSources): Settings {
  checkUnique(file.accounts, 'accounts')
  checkUnique(file.api.tokens, 'api.tokens')
  checkUnique(file.seal.keys, 'seal.keys')
  checkDeliveries(file)
  return {
    accounts: file.accounts.map((account, index) => resolveAccount(account, `accounts[${index}]`, sources)),
    callbacks: { ...file.callbacks, sources: readSources(file) },
    tokens: file.api.tokens.map((token, index) => {
      checkTokenDigest(token.sha256, `api.tokens[${index}].sha256`)
      const { expiresAt, ...rest } = token
      return { ...rest, ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }) }
    }),
    ops: readOps(file.ops, sources),
    seal: readSeal(file, sources),
    durability: file.durability,
    quarantine: file.quarantine,
    retention: { logMs: file.retention.logDays * dayMs, auditMs: file.retention.auditDays * dayMs },
    deliveries: toDeliveries(file.deliveries),
    archive: { dir: file.archive.dir && resolve(sources.folder, file.archive.dir) },
    partitions: file.partitions,
    outbound: file.outbound,
  }
}

/** A key has one name and one purpose: under two names it would be missed under the one that is taken away. */
function readSeal({ seal }: ConfigFile, sources: SecretSources): Settings['seal'] {
  const indexKey = readSymmetricKey(readSecret(seal.indexKey, 'seal.indexKey', sources), 'seal.indexKey')
  const keys: Settings['seal']['keys'] = []
  seal.keys.forEach(({ id, key: given }, index) => {
    const path = `seal.keys[${index}].key`
    const key = readSymmetricKey(readSecret(given, path, sources), path)
    const same = keys.find((other) => Buffer.compare(other.key, key) === 0)
    if (same) throw invalidConfiguration(path, `It is the same as ${same.id}.`)
    if (Buffer.compare(indexKey, key) === 0)
      throw invalidConfiguration(path, 'It is the index key; each needs its own.')
    keys.push({ id, key })
  })
  return { keys, indexKey }
}

/** Of the accounts that take callbacks from certain addresses only. */
function readSources({ accounts }: ConfigFile): ReadonlyMap<string, string[]> {
  return new Map(accounts.flatMap(({ id, sources }) => (sources ? [[id, sources] as const] : [])))
}

function checkUnique(entries: readonly { id: string }[], path: string): void {
  const seen = new Set<string>()
  entries.forEach(({ id }, index) => {
    if (seen.has(id)) throw invalidConfiguration(`${path}[${index}].id`, `There are two of the name ${id}.`)
    seen.add(id)
  })
}

/** What is still to be sent is read in the log; what has left it cannot be. */
function checkDeliveries({ deliveries, retention }: ConfigFile): void {
  for (const name of ['retryHours', 'disableAfterHours'] as const) {
    if (deliveries[name] * hourMs < retention.logDays * dayMs) continue
    const message = `It must be less than retention.logDays (${retention.logDays * 24} hours): events are delivered from the log.`
    throw invalidConfiguration(`deliveries.${name}`, message)
  }
}

export function toDeliveries({
  timeoutSeconds,
  retryHours,
  disableAfterHours,
  historyDays,
  concurrency,
}: ConfigFile['deliveries']): DeliverySettings {
  return {
    timeoutMs: timeoutSeconds * 1000,
    retryMs: retryHours * hourMs,
    disableAfterMs: disableAfterHours * hourMs,
    historyMs: historyDays * dayMs,
    concurrency,
  }
}
