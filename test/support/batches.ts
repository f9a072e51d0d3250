/** Batches to register, and a Redis that dies after so many writes. */
import { registerBatch } from '../../src/domain/decide-batch.ts'
import { registerTransfer } from '../../src/domain/decide-transfer.ts'
import { describeBeneficiary } from '../../src/domain/person.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { type Batches, type BatchRequest, createBatches } from '../../src/store/batches.ts'
import type { DraftContent } from '../../src/store/draft.ts'
import { batchIdOf, memberIdOf } from '../../src/store/ids.ts'
import { commitCommand } from '../../src/store/scripts.ts'
import { digestPerson, type TestStore } from './store.ts'
import { testAccount } from './zenospay.ts'

const beneficiary = { kind: 'bank', bankCode: '002', accountNumber: '0000000000', name: 'John Doe' } as const

export interface BatchFields {
  account?: string
  /** What tells it from another one under the same reference. */
  content?: string
  claims?: boolean
  minor?: bigint
  currency?: string
  now?: number
}

let attempts = 0

export function batchesOf(
  store: Pick<TestStore, 'keys' | 'intents'>,
  redis: RedisClient,
  clock = Date.now,
): Batches {
  return createBatches({
    redis,
    keys: store.keys,
    intents: store.intents,
    clock,
    nameAttempt: () => `attempt${++attempts}`,
  })
}

/** Of as many transfers as there are references, each worth 25000.00 to John Doe. */
export async function requestOf(
  { vault }: Pick<TestStore, 'vault'>,
  reference: string,
  references: readonly string[],
  fields: BatchFields = {},
): Promise<BatchRequest> {
  const { account = testAccount.id, content = 'digest', claims = true, minor = 2500000n } = fields
  const { currency = 'IDR', now = Date.now() } = fields
  const id = batchIdOf(account, reference)
  const person = digestPerson(describeBeneficiary(beneficiary))
  const because = { source: 'registration' } as const
  const owned = references.map((one) => ({ id: memberIdOf(id, one), person, secrets: { beneficiary } }))
  const sealed = await vault.sealAllSecrets([...owned, { id, person: 'batch', secrets: {} }] as typeof owned)
  const batch = registerBatch(
    {
      id,
      account,
      reference,
      name: 'Wages',
      remark: 'May',
      count: references.length,
      amount: { minor: minor * BigInt(references.length), currency },
      personal: sealed.at(-1) ?? { person: '', sealed: '' },
      contentDigest: content,
    },
    now,
  )
  const transfers = references.map((one, i) => {
    const personal = sealed[i] ?? { person: '', sealed: '' }
    const { fact, intent } = registerTransfer(
      {
        id: memberIdOf(id, one),
        account,
        reference: one,
        amount: { minor, currency },
        payee: { kind: 'bank' },
        personal,
        batch: id,
        contentDigest: `${content} ${one}`,
      },
      now,
    )
    return { fact, intent, because, at: now }
  })
  const content_: DraftContent = {
    batch: { fact: batch.fact, intent: batch.intent, because, at: now },
    transfers,
  }
  return { id, account, contentDigest: content, references, claims, build: async () => content_ }
}

export class Crash extends Error {}

/** Lets so many commits of the store through and then none, as a process that was killed. `commits` counts. */
export function dyingAfter(redis: RedisClient, limit: number): { redis: RedisClient; commits(): number } {
  let count = 0
  const spend = async () => {
    if (count >= limit) throw new Crash('killed')
    count++
  }
  return { redis: beforeEachCommit(redis, spend), commits: () => count }
}

/** Does something else in between: as a process that sleeps before a commit while others go on. */
export function sleepingAt(
  redis: RedisClient,
  commit: number,
  meanwhile: () => Promise<unknown>,
): RedisClient {
  let count = 0
  return beforeEachCommit(redis, async () => {
    if (++count === commit) await meanwhile()
  })
}

function beforeEachCommit(redis: RedisClient, before: () => Promise<void>): RedisClient {
  const send = async (target: RedisClient, name: string, args: readonly unknown[]) => {
    if (name === commitCommand) await before()
    return call(target, name, args)
  }
  return new Proxy(redis, {
    get(target, property) {
      if (property === 'pipeline')
        return (commands: [string, ...unknown[]][]) => ({
          async exec() {
            const answers: unknown[] = []
            for (const [name, ...args] of commands) answers.push([null, await send(target, name, args)])
            return answers
          },
        })
      const value = Reflect.get(target, property) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => send(target, String(property), args)
    },
  })
}

function call(target: RedisClient, name: string, args: readonly unknown[]): Promise<unknown> {
  const methods = target as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  return methods[name]?.apply(target, [...args]) ?? Promise.reject(new Error(`No command ${name}.`))
}

/** All that a store holds, key by key, but for the positions of its events. */
export async function dump(
  redis: RedisClient,
  { prefix }: Pick<TestStore, 'prefix'>,
): Promise<Record<string, unknown>> {
  const names = (await redis.keys(`${prefix}:*`)).sort()
  const held: [string, unknown][] = []
  for (const name of names) held.push([name.slice(prefix.length), await readAny(redis, name)])
  return Object.fromEntries(held)
}

async function readAny(redis: RedisClient, name: string): Promise<unknown> {
  switch (await redis.type(name)) {
    case 'string':
      // Where in the log the last event is differs from one run to the next.
      return (await redis.get(name))?.replace(/(?<=}) \d+-\d+$/, '')
    case 'hash':
      return redis.hgetall(name)
    case 'set':
      return (await redis.smembers(name)).sort() as unknown
    case 'zset':
      return redis.zrange(name, '0', '-1', 'WITHSCORES')
    case 'stream':
      return (await redis.xrange(name, '-', '+')).map(([, fields]) => fields[1])
    default:
      throw new Error(`${name} is of an unknown type.`)
  }
}
