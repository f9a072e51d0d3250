/**
 * Passwords as scrypt digests that carry their own parameters, so that these can grow. One takes 128 MiB and a third of a
 * second, so that no more than one is made at a time, and few wait.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { AppError } from '../domain/errors.ts'

export interface ScryptCost {
  /** The logarithm of N. */
  ln: number
  r: number
  p: number
}

/** OWASP's first choice. */
const usualCost: ScryptCost = { ln: 17, r: 8, p: 1 }
const digestBytes = 32
const waitingMax = 16

export interface Passwords {
  hash(password: string): Promise<string>
  /** Also where there is none to compare with: it takes as long, and is false. */
  matches(password: string, stored: string | undefined): Promise<boolean>
}

export function createPasswords(cost: ScryptCost = usualCost): Passwords {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  const nobody = { cost, salt: randomBytes(16), digest: randomBytes(digestBytes) }

  function inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (waiting >= waitingMax)
      throw new AppError('too-many-in-flight', { detail: 'Too many sign in at the same moment.' })
    waiting++
    const done = last.then(work, work).finally(() => {
      waiting--
    })
    last = done.catch(() => {})
    return done
  }

  return {
    hash: (password) =>
      inTurn(async () => {
        const salt = randomBytes(16)
        const digest = await derive(password, salt, cost)
        const { ln, r, p } = cost
        return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${digest.toString('base64url')}`
      }),
    matches: async (password, stored) => {
      const known = stored === undefined ? undefined : read(stored)
      const against = known ?? nobody
      const digest = await inTurn(() => derive(password, against.salt, against.cost))
      return timingSafeEqual(digest, against.digest) && known !== undefined
    },
  }
}

/** One text in several spellings of Unicode is one password. */
function derive(password: string, salt: Buffer, { ln, r, p }: ScryptCost): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, digestBytes, options, (error, digest) =>
      error ? reject(error) : resolve(digest),
    )
  })
}

function read(stored: string) {
  const pattern = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]+)\$([\w-]+)$/
  const [, ln, r, p, salt = '', digest = ''] = pattern.exec(stored) ?? []
  const bytes = Buffer.from(digest, 'base64url')
  if (ln === undefined || bytes.length !== digestBytes) return undefined
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) }
  return { cost, salt: Buffer.from(salt, 'base64url'), digest: bytes }
}
