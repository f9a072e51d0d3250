/**
 * The store on Redis and the model side by side. What took effect on the one happens to the other in the same order, and
 * after each such step both are looked at: answers, records, totals, indexes and the log must be the same.
 */
import type { IntentEvent } from '../../src/domain/event.ts'
import type { IntentId, ReceiptId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import type { RedisClient } from '../../src/redis/client.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { type Batches, createBatches } from '../../src/store/batches.ts'
import { type Cases, createCases } from '../../src/store/cases.ts'
import { decodeStored } from '../../src/store/codec/codec.ts'
import { type CommitRequest, readCommit } from '../../src/store/commit.ts'
import { createDueBatches, type DueBatches } from '../../src/store/due-batches.ts'
import { createIntentStore, type IntentStore, type Target } from '../../src/store/intents.ts'
import { createLinks, type Link, type Links, linksOf } from '../../src/store/links.ts'
import { createReadyReceipts, type ReadyReceipts } from '../../src/store/ready-receipts.ts'
import { createOpenBody, type OpenBody } from '../../src/store/receipts.ts'
import { createRegister, type Register } from '../../src/store/register.ts'
import { commitCommand } from '../../src/store/scripts.ts'
import { readTransaction, readTransactions } from '../../src/store/transaction.ts'
import { createVault, type Vault } from '../../src/store/vault.ts'
import { createWatch, type Watch } from '../../src/store/watch.ts'
import { createModelSubject } from '../model/model-subject.ts'
import { createRedisSubject } from '../model/redis-subject.ts'
import { account } from '../model/things.ts'
import { createMemoryArchive } from '../support/memory-archive.ts'
import { keyring } from '../support/store.ts'
import { type Checkers, createCheckers } from './checkers.ts'
import { alike, ensure, show } from './failure.ts'
import { createMirror, type MirrorDeps } from './registering.ts'
import type { Actor, Effect, Turnstile } from './turnstile.ts'
import { createWatching } from './watching.ts'

export interface Parts {
  intents: IntentStore
  vault: Pick<Vault, 'sealSecrets'>
  register: Register
  cases: Pick<Cases, 'open' | 'settle' | 'find' | 'resolve'>
  ready: ReadyReceipts
  links: Links
  openBody: OpenBody
  batches: Batches
  due: DueBatches
  watch: Watch
}

export interface Watcher {
  /** This was written. */
  committed(request: CommitRequest): void
  claimed(number: string, target: Target): void
  moved(number: string, target: Target): void
}

export type Stage = ReturnType<typeof createStage>

export interface StageDeps {
  redis: RedisClient
  turnstile: Turnstile
  prefix: string
  clock: () => number
  parkedMax: number
  watcher: Watcher
  mirrored: Pick<MirrorDeps, 'targets' | 'batch' | 'eventOf'>
  /** Somebody asks the provider. */
  isAsked?: boolean
}

const persons = createPersonSealer()
const partitions = 2

function linksOfRequest({ before, steps }: CommitRequest): Link[] {
  const after = steps.at(-1)?.intent
  return after ? linksOf(before, after) : []
}

export function createStage(deps: StageDeps) {
  const { redis, turnstile, prefix, clock, parkedMax, watcher, mirrored, isAsked = false } = deps
  const settings = { partitions, clock, parkedMax }
  const real = createRedisSubject(redis, prefix, settings)
  // What a call read the clock at, when it decided; its effect may come later.
  let decidedAt: number | undefined
  const model = createModelSubject({ ...settings, clock: () => decidedAt ?? clock() })
  const checkers = createCheckers({ isAsked })
  const { keys } = real
  const positions = Array.from({ length: partitions }, () => 0)
  let effects = 0

  function storeOn(client: RedisClient): IntentStore {
    const vault = createVault({ redis: client, keys, sealer: keyring, persons })
    return createIntentStore({
      archive: createMemoryArchive(),
      redis: client,
      keys,
      sealer: keyring,
      vault,
      parkedMax: () => parkedMax,
    })
  }

  /** Those that a commit touched, and the batches of them. */
  function touched(intents: readonly (Intent | undefined)[]): IntentId[] {
    const ids = intents.flatMap((one) => {
      if (!one) return []
      return one.kind === 'transfer' && one.batch ? [one.id, one.batch] : [one.id]
    })
    return [...new Set(ids)]
  }

  async function compare(ids: readonly IntentId[], targets: readonly Target[] = []): Promise<void> {
    effects++
    const { looks, logged, parked } = await real.inspect(ids, positions, targets)
    const expected = await model.inspect(ids, positions, targets)
    for (const [p, events] of logged.entries()) {
      ensure(
        alike(events, expected.logged[p]),
        () => `The log: ${show(events)} and not ${show(expected.logged[p])}.`,
      )
      positions[p] = (positions[p] ?? 0) + events.length
      for (const event of events) checkers.see(event)
    }
    for (const [i, look] of looks.entries()) {
      ensure(
        alike(look, expected.looks[i]),
        () => `At rest: ${show(look)} and not ${show(expected.looks[i])}.`,
      )
      checkers.rest(look)
    }
    ensure(alike(parked, expected.parked), () => `Parked: ${show(parked)} and not ${show(expected.parked)}.`)
  }

  const same = (what: string, found: unknown, expected: unknown) =>
    ensure(alike(found, expected), () => `${what}: ${show(found)} and not ${show(expected)}.`)

  /** A name leads to somebody who did not have it; what waited under it is ready. */
  async function linked(links: readonly Link[], answers: readonly unknown[]): Promise<void> {
    const numbers = links.slice(0, answers.length).filter(({ kind }) => kind === 'number')
    for (const { name, to } of numbers) await model.lead(name, to)
    await compare(
      [],
      numbers.map(({ name }) => name),
    )
  }

  function committing(requests: readonly CommitRequest[]): Effect {
    let written: CommitRequest[] | undefined
    return async (commands, answers) => {
      if (commands[0]?.[0] !== commitCommand) return
      if (written) return linked(written.flatMap(linksOfRequest), answers)
      written = []
      const done = answers.flatMap(readTransactions)
      for (const [i, one] of done.entries()) {
        const request = requests[i] as CommitRequest
        const outcome = readCommit(one, request)
        same('A commit', outcome, await model.intents.commit(request))
        if (outcome.outcome !== 'committed') continue
        written.push(request)
        watcher.committed(request)
      }
      const intents = requests.map(({ before, steps }) => before ?? steps[0]?.intent)
      await compare(touched(intents.slice(0, done.length)))
    }
  }

  function casesFor(actor: Actor, tellModel: () => Promise<unknown>) {
    let readAt: number | undefined
    const own = () => {
      readAt = clock()
      return readAt
    }
    const effect: Effect = async ([command], [answer]) => {
      if (command?.[0] !== commitCommand || readTransaction(answer).outcome !== 'written') return
      decidedAt = readAt
      await tellModel()
      decidedAt = undefined
      await compare([])
    }
    return createCases({ redis: turnstile.client(actor, effect), keys, clock: own })
  }

  const watching = createWatching(model, compare)
  let attempts = 0
  const mirror = createMirror({ keys, model, ...mirrored })

  const registering: Effect = async (commands, answers) => {
    const about: Target[] = []
    for (const [i, command] of commands.entries()) {
      if (command[0] !== commitCommand || readTransaction(answers[i]).outcome !== 'written') continue
      about.push(...(await mirror.tell(command)))
    }
    if (about.length > 0) await compare([...new Set([...about, mirrored.batch])] as IntentId[], about)
  }

  /** A batch's transfers are asked about sooner, where they are waited for at all. */
  const asking: Effect = async ([command], [answer]) => {
    // One that is not registered yet leaves the list; it comes back when it is.
    if (command?.[0] === commitCommand && readTransaction(answer).outcome === 'written')
      await model.undue(mirrored.batch)
    if (command?.[0] !== 'zadd') return
    const [, , , , ...places] = command
    for (let i = 0; i < places.length; i += 2) {
      const id = places[i + 1] as IntentId
      const [look] = await model.look([id])
      if (look?.watched !== undefined) await model.intents.ask({ id, account: 'acme' }, Number(places[i]))
    }
  }

  function partsFor(actor: Actor): Parts {
    const on = (effect?: Effect) => storeOn(turnstile.client(actor, effect))
    const reader = on()
    return {
      intents: {
        load: reader.load,
        find: reader.find,
        findReceipt: reader.findReceipt,
        listReceipts: reader.listReceipts,
        listMembers: reader.listMembers,
        commitAll: (requests) => on(committing(requests)).commitAll(requests),
        commit: (request) => on(committing([request])).commit(request),
        parkAll: (requests) => {
          const effect: Effect = async (_, answers) => {
            const done = answers.flatMap(readTransactions)
            const some = requests.slice(0, done.length)
            const outcomes = done.map((one) => {
              if (one.outcome === 'failed') return 'registered'
              return one.results[0] === 1 ? 'parked' : 'full'
            })
            same('Parking', outcomes, await model.intents.parkAll(some))
            await compare(
              [],
              some.map(({ target }) => target),
            )
          }
          return on(effect).parkAll(requests)
        },
        claimNumbers: (claims) => {
          const effect: Effect = async (_, answers) => {
            const texts = answers.flat()
            const some = claims.slice(0, texts.length)
            const expected = await model.intents.claimNumbers(some)
            for (const [i, { number, target }] of some.entries()) {
              watcher.claimed(number, target)
              const text = texts[i]
              const before = typeof text === 'string' ? decodeStored(target as IntentId, text) : undefined
              same('A number', before?.form === 'pointer' ? before.to : target, expected[i])
            }
          }
          return on(effect).claimNumbers(claims)
        },
        moveNumber: (number, target) => {
          const effect: Effect = async () => {
            watcher.moved(number, target)
            await model.intents.moveNumber(number, target)
          }
          return on(effect).moveNumber(number, target)
        },
        ask: (intent, at) => {
          const effect: Effect = async (_, [answer]) => {
            same('Asking', answer === 1, await model.intents.ask(intent, at))
            await compare([intent.id])
          }
          return on(effect).ask(intent, at)
        },
      },
      vault: createVault({ redis: turnstile.client(actor), keys, sealer: keyring, persons }),
      register: (event) => {
        const effect: Effect = async ([command], [answer]) => {
          if (command?.[0] !== commitCommand) return
          const expected = await model.register(event as IntentEvent<never>)
          const { outcome } = readTransaction(answer)
          same('A registration', outcome === 'written', expected.outcome === 'registered')
          await compare(touched([event.intent]), [event.intent.id])
        }
        const client = turnstile.client(actor, effect)
        return createRegister({ redis: client, keys, intents: reader })(event)
      },
      cases: {
        open: (failure) => casesFor(actor, () => model.cases.open(failure)).open(failure),
        settle: (receipt) => casesFor(actor, () => model.cases.settle(receipt)).settle(receipt),
        find: casesFor(actor, async () => {}).find,
        resolve: (id, by) => casesFor(actor, () => model.cases.resolve(id, by)).resolve(id, by),
      },
      ready: {
        pump: (enqueue) => {
          const effect: Effect = async ([command]) => {
            if (command?.[0] === 'hdel') await model.dropReady(command.slice(2) as ReceiptId[])
          }
          return createReadyReceipts({ redis: turnstile.client(actor, effect), keys }).pump(enqueue)
        },
      },
      links: {
        ...createLinks({ redis: turnstile.client(actor), keys }),
        make: (links) => {
          const effect: Effect = async ([command], answers) => {
            if (command?.[0] === commitCommand) await linked(links, answers)
          }
          return createLinks({ redis: turnstile.client(actor, effect), keys }).make(links)
        },
      },
      openBody: createOpenBody({
        keys,
        sealer: keyring,
        vault: createVault({ redis: turnstile.client(actor), keys, sealer: keyring, persons }),
      }),
      batches: createBatches({
        redis: turnstile.client(actor, registering),
        keys,
        intents: reader,
        clock,
        nameAttempt: () => `attempt-${++attempts}`,
      }),
      watch: createWatch({ redis: turnstile.client(actor, watching), keys }),
      due: createDueBatches({ redis: turnstile.client(actor, asking), keys, intents: reader }),
    }
  }

  return {
    real,
    model,
    keys,
    checkers: checkers as Checkers,
    partsFor,
    effects: () => effects,
    /** At the end: whatever there is, is the same. */
    async compareAll(ids: readonly IntentId[], targets: readonly Target[]): Promise<void> {
      await compare(ids, targets)
      same('Parked', await real.parkedCount(account), await model.parkedCount(account))
      same('Repeats', await real.repeatsOf(account), await model.repeatsOf(account))
    },
  }
}
