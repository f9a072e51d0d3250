/**
 * The operators of this machine: who may sign in by name and password, for whoever has no OpenID provider. They lie in Redis,
 * so that every process knows them. Each change of one brings another stamp, by which its sessions know that they are over.
 */
import { randomBytes } from 'node:crypto'
import { AppError } from '../domain/errors.ts'
import { isRole, type Role } from '../domain/roles.ts'
import type { RedisClient } from '../redis/client.ts'
import { commit } from './audit-log.ts'
import type { Keys } from './keys.ts'
import { createTransaction } from './transaction.ts'

export interface Operator {
  name: string
  role: Role
  /** As passwords.ts writes it. */
  password: string
  disabled?: boolean
  createdAt: number
  changedAt: number
  stamp: string
}

export type OperatorChange = Partial<Pick<Operator, 'role' | 'password'>> & { disabled?: boolean }

export interface Operators {
  find(name: string): Promise<Operator | undefined>
  list(): Promise<Operator[]>
  any(): Promise<boolean>
  add(operator: Pick<Operator, 'name' | 'role' | 'password'>): Promise<'added' | 'taken'>
  /** As it is then; undefined where there is none. */
  change(name: string, change: OperatorChange): Promise<Operator | undefined>
  remove(name: string): Promise<boolean>
}

export interface OperatorsDeps {
  redis: RedisClient
  keys: Keys
  clock: () => number
}

const attemptsMax = 8
const namePattern = /^[a-z0-9][a-z0-9._@-]{1,63}$/

export function isOperatorName(text: string): boolean {
  return namePattern.test(text)
}

export function createOperators({ redis, keys, clock }: OperatorsDeps): Operators {
  const newStamp = () => randomBytes(12).toString('base64url')

  return {
    async find(name) {
      const text = isOperatorName(name) ? await redis.hget(keys.operators, name) : null
      return text === null ? undefined : decode(name, text)
    },

    async list() {
      const fields = Object.entries(await redis.hgetall(keys.operators))
      const all = fields.flatMap(([name, text]) => decode(name, text) ?? [])
      return all.sort((a, b) => (a.name < b.name ? -1 : 1))
    },

    any: async () => (await redis.hlen(keys.operators)) > 0,

    async add({ name, role, password }) {
      const at = clock()
      const record = { name, role, password, createdAt: at, changedAt: at, stamp: newStamp() }
      return (await redis.hsetnx(keys.operators, name, encode(record))) === 1 ? 'added' : 'taken'
    },

    async change(name, { disabled, ...changed }) {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const text = await redis.hget(keys.operators, name)
        const before = text === null ? undefined : decode(name, text)
        if (text === null || !before) return undefined
        const { disabled: was, ...rest } = before
        const isDisabled = disabled ?? was === true
        const after: Operator = {
          ...rest,
          ...changed,
          ...(isDisabled && { disabled: true }),
          changedAt: clock(),
          stamp: newStamp(),
        }
        const transaction = createTransaction().check('field', keys.operators, name, text)
        transaction.do('HSET', keys.operators, name, encode(after))
        if ((await commit(redis, transaction)).outcome === 'written') return after
      }
      throw new AppError('commit-contended', { detail: 'The operator is changing too quickly.' })
    },

    remove: async (name) => (await redis.hdel(keys.operators, name)) === 1,
  }
}

function encode({ name: _, ...record }: Operator): string {
  return JSON.stringify({ v: 1, ...record })
}

/** What cannot be read lets nobody in. */
function decode(name: string, text: string): Operator | undefined {
  try {
    const { v: _, ...record } = JSON.parse(text) as Omit<Operator, 'name'> & { v: 1 }
    return isRole(record.role) ? { name, ...record } : undefined
  } catch {
    return undefined
  }
}
