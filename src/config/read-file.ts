import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { formatPath } from '../domain/errors.ts'
import { resolveAccount } from './accounts/accounts.ts'
import { type ConfigFile, fileSchema } from './file-schema.ts'
import { invalidConfiguration } from './invalid.ts'
import { checkTokenDigest, readSecret, readSymmetricKey, type SecretSources } from './secrets.ts'
import type { Settings } from './settings.ts'

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
  if (broken) throw invalidConfiguration(file, `It is not YAML: ${broken.message.split('\n')[0]}`)
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
  return {
    accounts: file.accounts.map((account, index) => resolveAccount(account, `accounts[${index}]`, sources)),
    callbacks: { ...file.callbacks, sources: readSources(file) },
    tokens: file.api.tokens.map((token, index) => {
      checkTokenDigest(token.sha256, `api.tokens[${index}].sha256`)
      return token
    }),
    seal: {
      keys: file.seal.keys.map(({ id, key }, index) => {
        const path = `seal.keys[${index}].key`
        return { id, key: readSymmetricKey(readSecret(key, path, sources), path) }
      }),
      indexKey: readSymmetricKey(readSecret(file.seal.indexKey, 'seal.indexKey', sources), 'seal.indexKey'),
    },
    durability: file.durability,
    quarantine: file.quarantine,
    partitions: file.partitions,
    outbound: file.outbound,
  }
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
