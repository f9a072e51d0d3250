/** What a transfer takes of Redis's memory, piece by piece, written with the store's own encoders. */
import type { ChainableCommander, Redis } from 'ioredis'
import { decideTransfer } from '../src/domain/decide-transfer.ts'
import type { AccountProvider } from '../src/providers/provider.ts'
import { encodeStep } from '../src/store/codec/codec.ts'
import { encodeHeard } from '../src/store/codec/heard.ts'
import { encodeReceipt } from '../src/store/codec/receipt.ts'
import { receiptPlace } from '../src/store/vault.ts'
import { createObserve } from '../src/workers/observe.ts'
import type { BenchResult } from './run.ts'
import { benchAccount } from './schemes.ts'
import {
  createWrites,
  describePeerDocument,
  type Parts,
  peerKeyOf,
  range,
  receiveCallback,
  referenceOf,
  registerOne,
  writeMany,
} from './store.ts'

export interface MemoryDeps {
  parts: Parts
  provider: AccountProvider
}

type Write = (to: ChainableCommander, index: number) => void

/** The records stay; the rest is taken out again. */
export async function measureMemory(admin: Redis, deps: MemoryDeps, count: number): Promise<BenchResult> {
  const { parts } = deps
  const now = Date.now()
  const writes = createWrites(parts)
  const settled = describeSettled(deps, now)
  // They differ from one another by a few letters at most.
  const few = Math.min(Math.ceil(count / 10), 10_000)
  const rows: BenchResult['rows'] = []
  const weigh = async (piece: string, redis: Redis, of: number, write: Write) => {
    const before = await usedMemory(redis)
    await writeMany(redis, range(0, of), write)
    const bytes = ((await usedMemory(redis)) - before) / of
    rows.push({
      'of one transfer': piece,
      bytes: Math.round(bytes),
      'measured with': of.toLocaleString('en'),
    })
  }
  const registered =
    (write: (typeof writes)[keyof typeof writes]): Write =>
    (to, index) =>
      write(to, registerOne(index, now, parts))

  await admin.config('SET', 'appendfsync', 'no')
  await weigh('pending: record, place in the watch index, key', admin, count, registered(writes.record))
  // In a table of its own: that of a million is about to be doubled, which would be put down to these.
  const beside = admin.duplicate({ db: 1 })
  await weigh('the person’s index of transfers', beside, few, registered(writes.payee))
  await weigh('the person’s key', beside, few, registered(writes.person))
  await weigh('log: registered', beside, few, registered(writes.log))
  await weigh('settled: the receipt, body sealed', beside, few, settled.receipt)
  await weigh('settled: what tells a repeat', beside, few, settled.heard)
  await weigh('settled: log', beside, few, settled.log)
  await beside.flushdb()
  await weigh('the peer’s document, in the open', beside, few, (to, index) =>
    to.set(peerKeyOf(referenceOf(index)), describePeerDocument(index, now)),
  )
  await beside.flushdb()
  beside.disconnect()
  await admin.config('SET', 'appendfsync', 'always')
  return {
    title: `memory: ${count.toLocaleString('en')} pending transfers, each for another person`,
    rows,
    notes: ['Bytes of `used_memory`, with what Redis needs around them.'],
  }
}

/** What is left in Redis by a callback that was applied. */
function describeSettled({ parts, provider }: MemoryDeps, now: number) {
  const { keys, keyring, persons, digestPerson, digestFact } = parts
  const providers = new Map([[benchAccount, provider]])
  const observe = createObserve({ providers, sealer: keyring, digestPerson, digestFact })
  const personKey = persons.read(persons.make())
  const settle = (index: number) => {
    const receipt = receiveCallback(index, now)
    const { observation, heard } = observe(receipt)
    const { intent } = registerOne(index, now, parts).event
    if (observation.kind !== 'transfer') throw new Error('It is not about a transfer.')
    const decision = decideTransfer(intent, observation, now)
    if (decision.verdict !== 'applied') throw new Error('It is not applied.')
    return { receipt, heard, step: decision.steps[0], intent }
  }
  return {
    receipt(to, index) {
      const { receipt, intent } = settle(index)
      const body = persons.seal(personKey, receipt.opened, receiptPlace(receipt.id))
      const text = encodeReceipt({ open: receipt, outcome: 'applied' }, body, intent, intent.sequence, now)
      to.set(keys.receipt(keys.partitionOf(intent.id), receipt.id), text)
    },
    heard(to, index) {
      const { receipt, heard, intent } = settle(index)
      to.hset(keys.heard(intent.id), receipt.id, encodeHeard(heard))
    },
    log(to, index) {
      const { receipt, step } = settle(index)
      if (!step) throw new Error('It has no step.')
      const because = { source: 'callback', receipt: receipt.id } as const
      to.xadd(
        keys.events(keys.partitionOf(step.intent.id)),
        '*',
        'e',
        encodeStep({ ...step, because, at: now }).event,
      )
    },
  } satisfies Record<string, Write>
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}
