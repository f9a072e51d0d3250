/**
 * The keys that WeChat Pay signs with, by serial: those of the configuration and, where the account can fetch them, the
 * platform certificates. A serial that nobody knows asks for a fresh list before it is refused, since a genuine callback
 * may be the first by a new certificate; but forged serials must not make us ask without end, so there is one request at a
 * time and a pause after each. Whether a callback must be told to come again or is refused hangs on one thing: is the
 * list that we hold fresh?
 */
import { isPublicKeyId } from '../../domain/key-serial.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { within } from '../../telemetry/within.ts'
import type { PlatformKey } from './account.ts'
import { type CertificateLoad, type FindHeld, isValid } from './certificates.ts'

export type FoundKey =
  | { outcome: 'found'; key: PlatformKey }
  /** Neither held nor in a fresh list. */
  | { outcome: 'unknown' }
  /** No fresh list could be had; it may pass. */
  | { outcome: 'not-loaded' }

export interface PlatformKeys {
  /** At once for a key that is held. */
  find(serial: string): FoundKey | Promise<FoundKey>
  /** What is to be encrypted for WeChat Pay is encrypted under it. Undefined where none is held, nor could be fetched. */
  encryptionKey(): Promise<PlatformKey | undefined>
  serials(): string[]
  start(): Promise<void>
  stop(): Promise<void>
}

export interface PlatformKeysDeps {
  configured: readonly PlatformKey[]
  /** Where certificates can be fetched. Never rejects, and ends soon. */
  load?:
    | ((findHeld: FindHeld, signal: AbortSignal, held: PlatformKey | undefined) => Promise<CertificateLoad>)
    | undefined
  clock: () => number
  logger: Logger
  times?: Partial<typeof defaultTimes>
}

export const defaultTimes = {
  /** WeChat Pay asks for twelve hours at most; its own Java library takes one. */
  refreshMs: 3600_000,
  /** A new certificate is listed long before it signs, so a list as young as this is fresh. */
  freshMs: 10_000,
  /** After a failure; callbacks by unknown keys are told to come again meanwhile. */
  retryMs: 10_000,
  /** Within the budget of a callback, with time left to make it durable. */
  patienceMs: 2_800,
  startMsMax: 3_000,
}

/** What expires last, as a public key, which never does; of two of these the first that is configured. */
export function chooseEncryptionKey(keys: readonly PlatformKey[], now: number): PlatformKey | undefined {
  const valid = keys.filter((key) => isValid(key, now))
  return valid.reduce<PlatformKey | undefined>(
    (best, key) => (best && expiryOf(best) >= expiryOf(key) ? best : key),
    undefined,
  )
}

function expiryOf({ valid }: PlatformKey): number {
  return valid?.until ?? Number.POSITIVE_INFINITY
}

export function createPlatformKeys({ load, clock, logger, ...deps }: PlatformKeysDeps): PlatformKeys {
  const times = { ...defaultTimes, ...deps.times }
  const configured = new Map(deps.configured.map((key) => [key.serial, key]))
  const stopping = new AbortController()
  let fetched = new Map<string, PlatformKey>()
  let last: { fresh: boolean; at: number } | undefined
  let underWay: Promise<boolean> | undefined
  let timer: NodeJS.Timeout | undefined
  let started = false

  const findHeld: FindHeld = (serial) => {
    const now = clock()
    return [configured.get(serial), fetched.get(serial)].find((key) => key && isValid(key, now))
  }

  function choose(): PlatformKey | undefined {
    return chooseEncryptionKey([...configured.values(), ...fetched.values()], clock())
  }

  async function refresh(by: NonNullable<typeof load>): Promise<boolean> {
    const answer = await by(findHeld, stopping.signal, choose())
    if (stopping.signal.aborted) return false
    if (answer.outcome === 'failed') logger.warn('certificates.not-loaded', { reason: answer.reason })
    if (answer.outcome === 'loaded') fetched = new Map(answer.keys.map((key) => [key.serial, key]))
    const fresh = answer.outcome !== 'failed'
    if (fresh) logger.info('certificates.loaded', { mode: answer.outcome, serials: [...fetched.keys()] })
    last = { fresh, at: clock() }
    if (started) {
      clearTimeout(timer)
      timer = setTimeout(() => void refreshOnce(by), fresh ? times.refreshMs : times.retryMs).unref()
    }
    return fresh
  }

  /** True when the list that is held is fresh. */
  function refreshOnce(by: NonNullable<typeof load>): Promise<boolean> {
    underWay ??= refresh(by).finally(() => {
      underWay = undefined
    })
    return underWay
  }

  function freshen(by: NonNullable<typeof load>): Promise<boolean> {
    if (underWay || !last) return refreshOnce(by)
    const age = clock() - last.at
    // A clock that was set back says nothing about age.
    const pausing = age >= 0 && age < (last.fresh ? times.freshMs : times.retryMs)
    return pausing ? Promise.resolve(last.fresh) : refreshOnce(by)
  }

  async function findInFresh(serial: string, by: NonNullable<typeof load>): Promise<FoundKey> {
    const fresh = await within(times.patienceMs, freshen(by)).catch(() => false)
    const key = findHeld(serial)
    if (key) return { outcome: 'found', key }
    return { outcome: fresh ? 'unknown' : 'not-loaded' }
  }

  return {
    find(serial) {
      const key = findHeld(serial)
      if (key) return { outcome: 'found', key }
      if (!load || isPublicKeyId(serial)) return { outcome: 'unknown' }
      return findInFresh(serial, load)
    },
    async encryptionKey() {
      const held = choose()
      if (held || !load) return held
      await within(times.patienceMs, freshen(load)).catch(() => false)
      return choose()
    },
    serials: () => [...new Set([...configured.keys(), ...fetched.keys()])],
    async start() {
      if (!load) return
      started = true
      await within(times.startMsMax, refreshOnce(load)).catch(() => {
        logger.warn('certificates.not-loaded', { reason: 'It takes long; the start goes on without them.' })
      })
    },
    async stop() {
      started = false
      clearTimeout(timer)
      stopping.abort()
      await underWay
    },
  }
}
