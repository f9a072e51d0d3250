/**
 * Looks through everything that the keyring has sealed and that waits somewhere: of what is sealed for persons nothing is
 * readable any more once their keys are gone. A callback that was acknowledged is never dropped. One that waits for its
 * intent, or has failed, stays where it is without its body, and says so when it is taken up; one that a worker will
 * take is left to it and counted.
 */
import { erasedBody, type Receipt } from '../domain/receipt.ts'
import { readCallbackJob, takeReceipts } from '../queue/job-data.ts'
import type { RedisClient } from '../redis/client.ts'
import type { QueueKeys } from '../reseal/in-hand.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Keys } from '../store/keys.ts'
import { type QuarantineEntry, quarantinePlace } from '../store/quarantine.ts'
import { decodeRequest } from '../store/quarantine-codec.ts'
import { createRewriter } from '../store/rewrite.ts'
import { scanKeys } from '../store/scan.ts'
import type { Scripts } from '../store/scripts.ts'
import { receiptPlace } from '../store/vault.ts'
import type { Mentions } from './mentions.ts'

export interface ErasePass {
  parked: number
  failedJobs: number
  quarantined: number
  /** On their way: ready, or on the queue. Workers apply them, and what is kept of them is unreadable. */
  waiting: number
  /** What could not be opened, and so was not looked at. */
  unread: number
}

export interface ErasePassDeps {
  redis: RedisClient
  scripts: Scripts
  keys: Keys
  queues: readonly QueueKeys[]
  keyring: Keyring
  mentions: Mentions
}

/** `look`: counts, and changes nothing. */
export async function runErasePass(deps: ErasePassDeps, mode: 'look' | 'erase'): Promise<ErasePass> {
  const { redis, keys, keyring, mentions } = deps
  const rewrite = createRewriter(deps)
  const found: ErasePass = { parked: 0, failedJobs: 0, quarantined: 0, waiting: 0, unread: 0 }

  /** What cannot be opened is counted, and passed over. */
  function attempt<T>(act: () => T): T | undefined {
    try {
      return act()
    } catch {
      found.unread++
      return undefined
    }
  }

  function isAbout(receipt: Receipt): boolean {
    if (receipt.body === erasedBody) return false
    return mentions(receipt.account, keyring.open(receipt.body, receiptPlace(receipt.id)))
  }

  function eraseReceipt(text: string): string | undefined {
    const receipt = JSON.parse(text) as Receipt
    return isAbout(receipt) ? JSON.stringify({ ...receipt, body: erasedBody }) : undefined
  }

  function eraseQuarantined(text: string): string | undefined {
    const { sealed, ...entry } = JSON.parse(text) as QuarantineEntry
    if (sealed === undefined) return undefined
    const { path, headers, body } = decodeRequest(keyring.open(sealed, quarantinePlace(entry.id)))
    const head = Buffer.from(`${path} ${Object.values(headers).join(' ')}`)
    const isNamed = mentions(entry.account, body) || mentions('', head)
    // As one whose body was too large to keep: that it came, and why it was refused, stays.
    return isNamed ? JSON.stringify(entry) : undefined
  }

  async function visitHash(
    key: string,
    change: (text: string) => string | undefined,
    count: (found: number) => void,
  ): Promise<void> {
    for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
      const [next, pairs] = await redis.hscan(key, cursor, 'COUNT', fieldsAtOnce)
      cursor = next
      for (let i = 0; i < pairs.length; i += 2) {
        const [name = '', text = ''] = pairs.slice(i, i + 2)
        if (attempt(() => change(text)) === undefined) continue
        if (mode === 'look' || (await rewrite.field(key, name, change))) count(1)
      }
    }
  }

  async function visitReady(): Promise<void> {
    for (let partition = 0; partition < keys.partitions; partition++) {
      for (const text of await redis.hvals(keys.ready(partition)))
        if (attempt(() => isAbout(JSON.parse(text) as Receipt))) found.waiting++
    }
  }

  function countInJob(id: string, data: string): number {
    const job = readCallbackJob(JSON.parse(data))
    if (job.v === 1) return job.receipts.filter(isAbout).length
    const receipts = takeReceipts(id, job, keyring.open)
    return receipts.filter((one) => 'opened' in one && mentions(one.account, one.opened)).length
  }

  function eraseInJob(data: string): string | undefined {
    const job = JSON.parse(data) as { v: number; receipts: Receipt[] }
    if (job.v !== 1 || !job.receipts.some(isAbout)) return undefined
    const receipts = job.receipts.map((one) => (isAbout(one) ? { ...one, body: erasedBody } : one))
    return JSON.stringify({ ...job, receipts })
  }

  async function visitJob(key: string, { failed }: QueueKeys): Promise<void> {
    const id = key.slice(key.lastIndexOf(':') + 1)
    const data = await redis.hget(key, 'data')
    if (data === null) return
    const count = attempt(() => countInJob(id, data)) ?? 0
    if (count === 0) return
    if ((await redis.zscore(failed, id)) === null) found.waiting += count
    else if (mode === 'look' || (await rewrite.field(key, 'data', eraseInJob))) found.failedJobs++
  }

  for await (const batch of scanKeys(redis, { pattern: keys.scanPattern })) {
    for (const key of batch) {
      const kind = keys.classify(key)?.kind
      if (kind === 'parked') await visitHash(key, eraseReceipt, (n) => (found.parked += n))
      if (kind === 'quarantine') await visitHash(key, eraseQuarantined, (n) => (found.quarantined += n))
    }
  }
  await visitReady()
  for (const queue of deps.queues) {
    for await (const batch of scanKeys(redis, { pattern: queue.jobsPattern, type: 'hash' }))
      for (const key of batch) await visitJob(key, queue)
  }
  return found
}

const fieldsAtOnce = 256
