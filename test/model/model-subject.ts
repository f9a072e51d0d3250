/** The model of the store: the oracle of the contract tests and of the simulation. Nothing in it is sealed or encoded. */
import { emptyTotals } from '../../src/domain/batch.ts'
import type { BatchId, IntentId, ReceiptId, TransferId } from '../../src/domain/ids.ts'
import { repeatClasses } from '../../src/domain/repeats.ts'
import type { IntentStore, Loaded, LoadedTotals, Target } from '../../src/store/intents.ts'
import { createKeys } from '../../src/store/keys.ts'
import { sealReceipt } from '../../src/workers/observe.ts'
import { keyring } from '../support/store.ts'
import { createModelCases } from './cases.ts'
import { commit } from './commit.ts'
import { createState, type ModelState, recordOf, unpark } from './state.ts'
import type { Subject, SubjectSettings } from './subject.ts'

export interface ModelSubject extends Subject {
  dropReady(ids: readonly ReceiptId[]): Promise<void>
  unclaim(target: Target): Promise<void>
  makeDue(batch: BatchId): Promise<void>
  /** Something is to be done about it then; undefined: never. */
  rewatch(id: IntentId, at: number | undefined): void
  watched(): Map<IntentId, number>
  beginTotals(batch: BatchId, count: number): Promise<void>
}

export function createModelSubject({
  partitions,
  clock,
  parkedMax,
  resolvedMax = 500,
}: SubjectSettings): ModelSubject {
  const state = createState(createKeys('model', partitions))
  const intents = createModelIntents(state, Math.ceil(parkedMax / partitions))
  const totalsOf = (id: IntentId): LoadedTotals => {
    const { byState = emptyTotals(), version = 0 } = state.totals.get(id) ?? {}
    return { totals: byState, version: version ? String(version) : '' }
  }

  function load(target: Target): Loaded {
    const rest = state.rest.get(target)
    if (rest?.form === 'pointer') return load(rest.to)
    if (rest?.form !== 'record') return { outcome: 'unknown' }
    const { intent } = rest
    const known = intent.hold && state.cases.get(intent.hold.case)
    return {
      outcome: 'found',
      intent,
      heard: [...(state.heard.get(intent.id)?.values() ?? [])],
      ...(intent.kind === 'batch' && { totals: totalsOf(intent.id) }),
      ...(intent.kind !== 'batch' && known && { case: known }),
    }
  }

  const readLog = async (after?: readonly number[]) =>
    state.log.map((events, p) => events.slice(after?.[p] ?? 0))
  const look = async (ids: readonly IntentId[]) =>
    ids.map((id) => ({
      intent: recordOf(state, id),
      watched: state.watch.get(id),
      final: state.final.get(id),
      totals: id.startsWith('ba-') ? totalsOf(id) : undefined,
      due: state.due.has(id),
    }))
  const lookAt = async (targets: readonly Target[]) =>
    targets.map((one) => [...(state.parked.get(one)?.keys() ?? [])].sort())

  return {
    readLog,
    look,
    lookAt,
    inspect: async (ids, after, targets) => ({
      looks: await look(ids),
      logged: await readLog(after),
      parked: await lookAt(targets),
    }),
    intents: {
      ...intents,
      load: async (targets) => targets.map(load),
      find: async (id) => found(load(id)),
      listMembers: async (batch) => listMembers(state, batch),
      listReceipts: async (intent) =>
        [...state.receipts.values()].flatMap(({ open, intent: of }) => (of === intent ? [open.id] : [])),
    },
    cases: createModelCases(state, clock, resolvedMax),
    async register(event) {
      const { fact, intent, because, at } = event
      if (state.rest.get(intent.id)?.form === 'claim') return { outcome: 'claimed' }
      const existing = recordOf(state, intent.id)
      if (existing) return { outcome: 'exists', intent: existing as typeof intent }
      const totals = event.totals && { before: event.totals, version: totalsOf(intent.id).version }
      commit(state, { steps: [{ fact, intent }], because, at, ...(totals && { totals }) })
      return { outcome: 'registered', intent, madeReady: unpark(state, intent.id, intent.account) }
    },
    ready: {
      async pump(enqueue) {
        let pumped = 0
        for (const waiting of state.ready) {
          const taken = [...waiting.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
          if (taken.length === 0) continue
          await enqueue(taken.map((receipt) => sealReceipt(receipt, keyring)))
          for (const { id } of taken) waiting.delete(id)
          pumped += taken.length
        }
        return pumped
      },
    },
    /** Somebody has taken these to the queue. */
    async dropReady(ids) {
      for (const waiting of state.ready) for (const id of ids) waiting.delete(id)
    },
    async openTotals(batch, count) {
      state.totals.set(batch, { byState: emptyTotals(), version: 0, ...state.totals.get(batch), count })
    },
    async lead(alias, to) {
      const account = recordOf(state, to)?.account ?? ''
      if (state.rest.has(alias)) return
      state.rest.set(alias, { form: 'pointer', to })
      unpark(state, alias, account)
    },
    async claim(target) {
      state.rest.set(target, { form: 'claim' })
    },
    async unclaim(target) {
      if (state.rest.get(target)?.form === 'claim') state.rest.delete(target)
    },
    async beginTotals(batch, count) {
      state.totals.set(batch, { byState: emptyTotals(), version: 0, count, isOpening: true })
    },
    rewatch(id, at) {
      if (at === undefined) state.watch.delete(id)
      else state.watch.set(id, at)
    },
    watched: () => new Map(state.watch),
    async makeDue(batch) {
      state.due.add(batch)
    },
    async undue(batch) {
      state.due.delete(batch)
    },
    outcomesOf: async (_, receipts) => receipts.map((id) => state.receipts.get(id)?.outcome),
    parkedCount: async (account) =>
      [...state.parkedCounts].reduce((sum, [key, n]) => (key.endsWith(` ${account}`) ? sum + n : sum), 0),
    repeatsOf: async (account) =>
      Object.fromEntries(
        repeatClasses.map((one) => [one, state.repeats.get(`${account} ${one}`) ?? 0]),
      ) as never,
  }
}

/** In no order that means anything: the model keeps no positions. */
function listMembers(state: ModelState, batch: BatchId): TransferId[] {
  return [...state.rest.keys()].flatMap((id) => {
    const intent = recordOf(state, id)
    return intent?.kind === 'transfer' && intent.batch === batch ? [intent.id] : []
  })
}

function createModelIntents(
  state: ModelState,
  parkedShare: number,
): Omit<IntentStore, 'load' | 'find' | 'listMembers' | 'listReceipts'> {
  function park(target: Target, account: string, id: ReceiptId): 'parked' | 'registered' | 'full' {
    const rest = state.rest.get(target)
    if (rest && rest.form !== 'claim') return 'registered'
    if (state.parked.get(target)?.has(id)) return 'parked'
    const counted = `${state.keys.partitionOf(target)} ${account}`
    const count = state.parkedCounts.get(counted) ?? 0
    if (count >= parkedShare) return 'full'
    state.parkedCounts.set(counted, count + 1)
    return 'parked'
  }

  return {
    commitAll: async (requests) => requests.map((request) => commit(state, request)),
    commit: async (request) => commit(state, request),
    parkAll: async (requests) =>
      requests.map(({ target, account, receipt }) => {
        const outcome = park(target, account, receipt.id)
        if (outcome === 'parked')
          state.parked.set(target, new Map([...(state.parked.get(target) ?? []), [receipt.id, receipt]]))
        return outcome
      }),
    async findReceipt(intent, id) {
      const record = state.receipts.get(id)
      if (!record) return undefined
      const { open, outcome, decidedOn, at } = record
      const { opened, ...head } = open
      const person = recordOf(state, intent)?.personal.person ?? ''
      return { ...head, body: opened.toString(), v: 2, intent, person, outcome, decidedOn, decidedAt: at }
    },
    claimNumbers: async (claims) =>
      claims.map(({ number, target }) => {
        const rest = state.rest.get(number)
        if (rest?.form === 'pointer') return rest.to
        state.rest.set(number, { form: 'pointer', to: target })
        return target
      }),
    async moveNumber(number, target) {
      if (state.rest.has(number)) state.rest.set(number, { form: 'pointer', to: target })
    },
    async ask({ id }, at) {
      const known = state.watch.get(id)
      if (known !== undefined && known <= at) return false
      state.watch.set(id, at)
      return true
    },
  }
}

function found(loaded: Loaded) {
  return loaded.outcome === 'found' ? loaded.intent : undefined
}
