/** The composed roles in this process, on a Redis that is given, with one Zenospay account. */
import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compose, type Role } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/config.ts'
import { scopes } from '../../src/domain/scopes.ts'
import type { Disbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createLifecycle } from '../../src/telemetry/lifecycle.ts'
import { createMemoryLogger } from './log.ts'
import { readEvents } from './program.ts'
import { until } from './until.ts'
import { beneficiary, newReference, providerKey, signedDisbursement, testAccount } from './zenospay.ts'

const token = 'composed-token'
const secret = () => randomBytes(32).toString('base64')

const settings = {
  accounts: [
    {
      id: testAccount.id,
      provider: 'zenospay',
      partnerId: testAccount.partnerId,
      currency: 'IDR',
      providerPublicKeys: [createPublicKey(providerKey).export({ type: 'spki', format: 'pem' })],
    },
  ],
  api: {
    tokens: [
      {
        id: 'test',
        sha256: createHash('sha256').update(token).digest('hex'),
        scopes: [...scopes],
      },
    ],
  },
  seal: { keys: [{ id: 'k1', key: secret() }], indexKey: secret() },
}

/** What the composed roles seal with. */
export const composedKeyring = createKeyring(
  settings.seal.keys.map(({ id, key }) => ({ id, key: new Uint8Array(Buffer.from(key, 'base64')) })),
)

/** Redis is away, whether that is known by now or not: many callbacks at once, and none waits for it. */
export async function refusedInTime(tallyhook: Composed): Promise<void> {
  const answers = await Promise.all(Array.from({ length: 100 }, () => tallyhook.callBack(newReference())))
  for (const { status, ms } of answers) {
    assert.equal(status, 503)
    assert.ok(ms < 2_500, `answered after ${ms} ms`)
  }
}

export interface ComposedOptions {
  role?: Role
  durability?: Record<string, unknown>
  outbound?: { allow: string[]; http: boolean }
  /** With a listener for its own figures. */
  metrics?: boolean
  /** Other parts of the configuration. */
  more?: Record<string, unknown>
}

export type Composed = Awaited<ReturnType<typeof startComposed>>

export async function startComposed(
  redisUrl: string,
  { role = 'all', durability = {}, outbound, metrics = false, more = {} }: ComposedOptions = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-composed-'))
  const file = join(folder, 'tallyhook.json')
  writeFileSync(file, JSON.stringify({ ...settings, outbound, ...more, durability }))
  const env = {
    TALLYHOOK_CONFIG: file,
    REDIS_URL: redisUrl,
    CALLBACK_PORT: '0',
    API_PORT: '0',
    METRICS_PORT: metrics ? '0' : '',
  }
  const logger = createMemoryLogger()
  const lifecycle = createLifecycle({ logger, clock: Date.now, stopBudgetMs: 9_000 })
  const stop = async () => {
    const { clean } = await lifecycle.stop()
    rmSync(folder, { recursive: true, force: true })
    return clean
  }
  const running = await compose(role, { config: loadConfig(env, false), env, lifecycle, logger }).catch(
    async (error) => {
      await stop()
      throw error
    },
  )
  const { callbackUrl = '', apiUrl = '', metricsUrl = '' } = running
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

  return {
    apiUrl,
    callbackUrl,
    headers,
    logger,
    metricsUrl,
    /** True when every part stopped by itself. */
    stop,

    register(reference: string): Promise<Response> {
      const amount = { value: '25000.00', currency: 'IDR' }
      const body = JSON.stringify({ account: testAccount.id, reference, amount, beneficiary })
      return fetch(`${apiUrl}/v1/transfers`, { method: 'POST', headers, body })
    },

    async callBack(
      reference: string,
      fields: Partial<Disbursement> = {},
    ): Promise<{ status: number; ms: number }> {
      const startedAt = Date.now()
      const signed = signedDisbursement({ reference, ...fields })
      const answer = await fetch(`${callbackUrl}${testAccount.callbackPath}`, { method: 'POST', ...signed })
      await answer.arrayBuffer()
      return { status: answer.status, ms: Date.now() - startedAt }
    },

    async readiness(): Promise<{
      status: number
      redis: { state: string; because?: string; reason?: string }
    }> {
      const answer = await fetch(`${apiUrl}/readyz`)
      const { redis } = (await answer.json()) as { redis: { state: string } }
      return { status: answer.status, redis }
    },

    /** Also the connections that come back a moment after the guard's. */
    async ready(limitMs?: number): Promise<void> {
      const serves = async () =>
        (await this.readiness()).status === 200 &&
        (await fetch(`${apiUrl}/v1/events?limit=1`, { headers })).status === 200 &&
        (await this.callBack(newReference())).status === 200
      await until('readiness', serves, limitMs)
    },

    async registerSome(count: number): Promise<string[]> {
      const references = Array.from({ length: count }, newReference)
      for (const answer of await Promise.all(references.map((reference) => this.register(reference)))) {
        if (answer.status !== 201) throw new Error(`The registration was answered ${answer.status}.`)
      }
      return references
    },

    /** Every one of these has its event, and none has two. */
    async settled(references: readonly string[], limitMs?: number): Promise<void> {
      await until(
        'the events',
        async () => {
          const events = await readEvents(apiUrl, token)
          const done = events.filter(({ type }) => type === 'tallyhook.transfer.succeeded.v1')
          const counts = new Map<string, number>()
          for (const { data } of done)
            counts.set(data.object.reference, (counts.get(data.object.reference) ?? 0) + 1)
          if ([...counts.values()].some((count) => count > 1)) throw new Error('An event is there twice.')
          return references.every((reference) => counts.has(reference))
        },
        limitMs,
      )
    },
  }
}
