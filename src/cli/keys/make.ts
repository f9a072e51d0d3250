/**
 * Makes a key and shows the lines of the configuration that go with it. With `--out` the secret part goes into a file
 * for the owner alone and never to the terminal; a pair's private part goes nowhere else.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fingerprint } from '../../config/secrets.ts'
import { AppError } from '../../domain/errors.ts'
import type { Output } from '../output.ts'

export const keyKinds = ['seal', 'index', 'token', 'hmac', 'webhook', 'rsa', 'ed25519'] as const
export type KeyKind = (typeof keyKinds)[number]

interface MakeFlags {
  out?: string | undefined
  id?: string | undefined
  json: boolean
}

interface Made {
  /** What nobody else may see. */
  secret: string
  /** What the configuration says; `where` is how it refers to the secret. */
  configuration(where: string): string
  shown: Record<string, string>
  publicPem?: string
}

const rsaBits = 3072
const secretBytes = 32

export function makeKey(kind: string | undefined, flags: MakeFlags, output: Output): number {
  const known = keyKinds.find((one) => one === kind)
  if (!known) {
    output.err(`tallyhook keys make: which kind? There are ${keyKinds.join(', ')}.\n`)
    return 2
  }
  const isPair = known === 'rsa' || known === 'ed25519'
  if (isPair && flags.out === undefined) {
    throw new AppError('invalid-request', {
      detail: 'The private key needs a file of its own: --out FILE.',
    })
  }
  const made = make(known, flags.id)
  if (flags.out !== undefined) writeNew(flags.out, `${made.secret.trim()}\n`, 0o600)
  if (flags.out !== undefined && made.publicPem) writeNew(`${flags.out}.pub`, `${made.publicPem}\n`, 0o644)
  const where = flags.out === undefined ? JSON.stringify(made.secret) : `{ file: ${resolve(flags.out)} }`
  const configuration = made.configuration(where)
  if (flags.json) {
    const secret = flags.out === undefined ? { secret: made.secret } : { file: flags.out }
    output.out(`${JSON.stringify({ kind: known, ...made.shown, ...secret, configuration })}\n`)
  } else {
    output.out(`${configuration}\n`)
  }
  return 0
}

function make(kind: KeyKind, id: string | undefined): Made {
  switch (kind) {
    case 'seal': {
      const name = checkId(id ?? `k${randomBytes(4).toString('hex')}`)
      const configuration = (where: string) => `# seal.keys\n- { id: ${name}, key: ${where} }`
      return { secret: random(), shown: { id: name }, configuration }
    }
    case 'index':
      return { secret: random(), shown: {}, configuration: (where) => `# seal\nindexKey: ${where}` }
    case 'hmac':
      return { secret: random(), shown: {}, configuration: describeSecret }
    case 'webhook':
      return { secret: `whsec_${random()}`, shown: {}, configuration: describeSecret }
    case 'token':
      return makeToken(checkId(id ?? 'new'))
    case 'rsa':
      return describePair(generateKeyPairSync('rsa', { modulusLength: rsaBits }))
    case 'ed25519':
      return describePair(generateKeyPairSync('ed25519'))
  }
}

const describeSecret = (where: string) =>
  `# verify.secrets; this very text is what the sender signs with\n- ${where}`

/** The configuration holds its digest alone; the token itself is for whoever will call. */
function makeToken(id: string): Made {
  const secret = randomBytes(secretBytes).toString('base64url')
  const sha256 = createHash('sha256').update(secret).digest('hex')
  return {
    secret,
    shown: { id, sha256 },
    configuration: (where) =>
      `# the token: ${where}\n# api.tokens; the scopes are yours to choose (docs/configuration.md)\n- { id: ${id}, sha256: "${sha256}", scopes: [transfers:read] }`,
  }
}

function describePair({ publicKey, privateKey }: ReturnType<typeof generateKeyPairSync>): Made {
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString().trim()
  const id = fingerprint(publicKey)
  return {
    secret: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    shown: { fingerprint: id, publicKey: publicPem },
    publicPem,
    configuration: (where) =>
      `# private: ${where}; public beside it, as .pub; fingerprint ${id}:\n${publicPem}`,
  }
}

function random(): string {
  return randomBytes(secretBytes).toString('base64')
}

function checkId(id: string): string {
  if (/^[A-Za-z0-9_-]{1,32}$/.test(id)) return id
  throw new AppError('invalid-request', { detail: '--id: it must be up to 32 letters, digits, _ and -.' })
}

function writeNew(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode, flag: 'wx' })
  } catch (cause) {
    const there = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    const detail = there ? 'It is there already and is not overwritten' : 'It cannot be written'
    throw new AppError('invalid-request', { detail: `--out: ${detail}: ${file}.`, cause })
  }
}
