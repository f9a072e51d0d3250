/**
 * What a replay would come to: every receipt goes through the same translation and the same `decide()` as when it is
 * replayed, on the intents as they stand now and one after another; only nothing is committed. What others change
 * meanwhile, and what follows later of itself, as that a batch is finished with its last transfer, is not in it.
 */
import type { ReplayOutcome } from '../../domain/callback-replay.ts'
import { completeCollection } from '../../domain/decide-collection.ts'
import type { FactState } from '../../domain/decision.ts'
import { AppError, asAppError } from '../../domain/errors.ts'
import { type AliasId, type CollectionId, caseIdOfReceipt, type ReceiptId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import type { OpenReceipt } from '../../domain/receipt.ts'
import { type EventType, eventTypeOf } from '../../events/catalogue.ts'
import type { Sealer } from '../../queue/job-data.ts'
import type { Cases } from '../../store/cases.ts'
import type { CommitRequest } from '../../store/commit.ts'
import { aliasIdOf } from '../../store/ids.ts'
import type { IntentStore, Loaded, Target } from '../../store/intents.ts'
import type { Parked } from '../../store/parked.ts'
import type { FindNumbers } from '../../store/payout-numbers.ts'
import { conclude } from '../conclude.ts'
import { type BroughtReceipt, type Observe, type Observed, openReceipt } from '../observe.ts'

export interface ForeseeDeps {
  intents: Pick<IntentStore, 'load' | 'findReceipt'>
  cases: Pick<Cases, 'find'>
  findNumbers: FindNumbers
  parked: Pick<Parked, 'find' | 'countBeside'>
  /** Of an account, in each partition. */
  parkedMax(account: string): number
  observe: Observe
  sealer: Sealer
  windowMsOf(account: string): number
  clock: () => number
}

/** Of one receipt. */
export interface Foreseen {
  outcome: ReplayOutcome
  error?: AppError
  /** Missing where it is not known what it is about, or nothing is registered. */
  change?: { from: FactState | null; after: Intent }
  events: EventType[]
  /** What it says it is about. */
  reference?: string
}

export interface Brought {
  id: ReceiptId
  receipt: BroughtReceipt | AppError
  /** It failed: its case is settled then, or opened again. */
  isFailed: boolean
}

/** Keeps what it has foreseen: the next are decided on that. */
export type Foresee = (some: readonly Brought[]) => Promise<Foreseen[]>

type Found = Extract<Loaded, { outcome: 'found' }>
type Read = { open: OpenReceipt; observed: Observed }

export function createForesee(deps: ForeseeDeps): Foresee {
  const { intents, clock } = deps
  const known = new Map<Target, Loaded>()
  const holders = new Map<AliasId, Target>()

  function read(receipt: BroughtReceipt | AppError): Read | AppError {
    if (receipt instanceof AppError) return receipt
    try {
      const open = openReceipt(receipt, deps.sealer)
      return { open, observed: deps.observe(open) }
    } catch (error) {
      return asAppError(error)
    }
  }

  async function loadAll(some: readonly (Read | AppError)[]): Promise<void> {
    const reads = some.flatMap((one) => (one instanceof AppError ? [] : [one.observed]))
    const targets = [...new Set(reads.map(({ target }) => target))].filter((target) => !known.has(target))
    const numbers = [...new Set(reads.flatMap(({ number }) => number ?? []))].filter(
      (one) => !holders.has(one),
    )
    const [loaded, found] = await Promise.all([intents.load(targets), deps.findNumbers(numbers)])
    for (const [i, target] of targets.entries()) note(target, loaded[i] as Loaded)
    for (const [i, number] of numbers.entries()) {
      const holder = found[i]
      if (holder !== undefined) holders.set(number, holder)
    }
  }

  /** Under its id as well, since another name may lead to it. */
  function note(target: Target, loaded: Loaded): void {
    if (loaded.outcome !== 'found') known.set(target, loaded)
    else {
      const { id } = loaded.intent
      const same = known.get(id) ?? loaded
      known.set(id, same).set(target, same)
    }
  }

  function update(target: Target, after: Found): void {
    known.set(target, after)
    for (const [name, one] of known)
      if (one.outcome === 'found' && one.intent.id === after.intent.id) known.set(name, after)
  }

  /** As a round sees it, which claims the number for the first that names it. */
  async function noteTaken({ observed }: Read): Promise<Observed> {
    const { observation, number, target } = observed
    if (number) {
      const holder = holders.get(number) ?? target
      holders.set(number, holder)
      const isNumbered = observation.kind === 'transfer' || observation.kind === 'submission'
      if (holder !== target && isNumbered)
        return { ...observed, observation: { ...observation, takenBy: holder } }
    }
    if (observation.kind !== 'coupon-grant' || observation.couponNumber === undefined) return observed
    const [coupon] = await intents.load([aliasIdOf('coupon', observation.account, observation.couponNumber)])
    if (coupon?.outcome !== 'found' || coupon.intent.id === target) return observed
    return { ...observed, observation: { ...observation, takenBy: coupon.intent.id } }
  }

  async function decideOne(one: Read): Promise<Pick<Foreseen, 'outcome' | 'change' | 'events'>> {
    const { open, observed } = one
    const { target } = observed
    const loaded = known.get(target)
    if (loaded?.outcome === 'unreadable') throw loaded.error
    if (loaded?.outcome !== 'found') return open.unverified ? unchanged('unverified') : begin(one)
    const record = await intents.findReceipt(loaded.intent.id, open.id)
    if (record && record.outcome !== 'awaits-person') return unchanged(record.outcome)
    if (open.unverified) return unchanged('unverified')
    const { account } = open
    const request = conclude(loaded, await noteTaken(one), open, deps.windowMsOf(account), clock())
    const after = request.steps.at(-1)?.intent
    const heard = request.receipt ? [...loaded.heard, observed.heard] : loaded.heard
    const about = request.case?.after ?? loaded.case
    update(target, { ...loaded, intent: after ?? loaded.intent, heard, ...(about && { case: about }) })
    return {
      outcome: request.receipt?.outcome ?? 'repeat',
      ...(after && { change: { from: stateOf(loaded.intent), after } }),
      events: eventsOf(request),
    }
  }

  /** Those that would be parked beside, with those that are. */
  const parkedBeside = new Map<string, number>()

  async function park(
    { id, account }: OpenReceipt,
    target: Target,
  ): Promise<Pick<Foreseen, 'outcome' | 'events'>> {
    if (await deps.parked.find(target, id)) return unchanged('parked')
    const { place, count } = await deps.parked.countBeside(target, account)
    const beside = parkedBeside.get(place) ?? count
    if (beside >= deps.parkedMax(account)) throw new AppError('parking-full')
    parkedBeside.set(place, beside + 1)
    return unchanged('parked')
  }

  /** Nothing is there: a pay-in is made by it, anything else waits. */
  async function begin({ open, observed }: Read): Promise<Pick<Foreseen, 'outcome' | 'change' | 'events'>> {
    const { observation, customer, heard, target } = observed
    if (observation.kind !== 'collection' || !customer) return park(open, target)
    const about = {
      id: target as CollectionId,
      personal: { person: customer.person, sealed: '' },
      contentDigest: heard.fact,
    }
    const { intent, fact } = completeCollection(about, { ...observation, receiptId: open.id }, clock())
    known.set(target, { outcome: 'found', intent, heard: [heard] })
    return {
      outcome: 'applied',
      change: { from: null, after: intent },
      events: [eventTypeOf('collection', fact.name)],
    }
  }

  async function foreseeOne(one: Read | AppError): Promise<Foreseen> {
    if (one instanceof AppError) return failing(one)
    const { observation } = one.observed
    const about = 'reference' in observation ? { reference: observation.reference } : {}
    try {
      return { ...about, ...(await decideOne(one)) }
    } catch (error) {
      return { ...about, ...failing(asAppError(error)) }
    }
  }

  async function withCase(foreseen: Foreseen, id: ReceiptId): Promise<Foreseen> {
    const isOpen = (await deps.cases.find(caseIdOfReceipt(id)))?.state === 'open'
    const { outcome, error, events } = foreseen
    if (outcome !== 'failed')
      return isOpen ? { ...foreseen, events: [...events, eventTypeOf('case', 'resolved')] } : foreseen
    const opens = !isOpen && error !== undefined && tellsCase(error)
    return opens ? { ...foreseen, events: [eventTypeOf('case', 'opened')] } : foreseen
  }

  return async (some) => {
    const reads = some.map(({ receipt }) => read(receipt))
    await loadAll(reads)
    const all: Foreseen[] = []
    for (const [i, one] of reads.entries()) {
      const foreseen = await foreseeOne(one)
      const brought = some[i]
      all.push(brought?.isFailed ? await withCase(foreseen, brought.id) : foreseen)
    }
    return all
  }
}

function eventsOf({ steps, case: written }: CommitRequest): EventType[] {
  const own = steps.map(({ fact, intent }) => eventTypeOf(intent.kind, fact.name))
  return written && !written.before ? [...own, eventTypeOf('case', 'opened')] : own
}

function unchanged(outcome: ReplayOutcome): Pick<Foreseen, 'outcome' | 'events'> {
  return { outcome, events: [] }
}

/** Of a receipt that is not where it was, since somebody else has seen to it, there is nothing to tell. */
export function tellsCase({ code }: AppError): boolean {
  return code !== 'not-found'
}

function failing(error: AppError): Foreseen {
  return { outcome: 'failed', error, events: [] }
}

export function stateOf({ state, hold }: Intent): FactState {
  return { state, held: hold !== undefined }
}
