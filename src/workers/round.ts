/**
 * One round: receipts about different intents, read together, decided each by itself and committed together. So a group
 * costs a few round trips and not a few for each receipt.
 */
import { completeCollection } from '../domain/decide-collection.ts'
import { AppError, asAppError } from '../domain/errors.ts'
import type { CollectionId } from '../domain/ids.ts'
import type { OpenReceipt, ReceiptOutcome } from '../domain/receipt.ts'
import { describeRedisTrouble } from '../redis/trouble.ts'
import type { CommitOutcome, CommitRequest } from '../store/commit.ts'
import { aliasIdOf } from '../store/ids.ts'
import type { IntentStore, Loaded, ParkOutcome, Target } from '../store/intents.ts'
import type { Vault } from '../store/vault.ts'
import { conclude } from './conclude.ts'
import type { Observed } from './observe.ts'

export interface RoundDeps {
  intents: Pick<IntentStore, 'load' | 'commitAll' | 'parkAll' | 'claimNumbers'>
  vault: Pick<Vault, 'sealSecrets'>
  /** For how long a callback of the account is remembered. */
  windowMsOf(account: string): number
  clock: () => number
}

export interface Reading extends Observed {
  receipt: OpenReceipt
}

export interface Applied {
  outcome: ReceiptOutcome | 'parked'
  /** Missing where an unverified receipt names none. */
  intentId?: Target
}

/** `again`: somebody else was quicker. */
export type RoundOutcome = Applied | AppError | 'again'

export type ApplyRound = (round: readonly Reading[]) => Promise<RoundOutcome[]>

export function createRound(deps: RoundDeps): ApplyRound {
  const { intents, clock } = deps

  /** A number of the provider's that stands for another intent of ours makes the two contradict each other. */
  async function noteNumbers(round: readonly Reading[]): Promise<Reading[]> {
    const claims = round.flatMap(({ number, target, receipt }) =>
      number ? [{ number, target, ttlMs: deps.windowMsOf(receipt.account) }] : [],
    )
    const holders = new Map(
      (await intents.claimNumbers(claims)).map((holder, i) => [claims[i]?.number, holder]),
    )
    return round.map((reading) => {
      const holder = reading.number && holders.get(reading.number)
      const { observation, target } = reading
      if (holder === undefined || holder === target) return reading
      if (observation.kind !== 'transfer' && observation.kind !== 'submission') return reading
      return { ...reading, observation: { ...observation, takenBy: holder } }
    })
  }

  /** The same of a coupon's number: whether it leads to another coupon shows only where it is noted. */
  async function checkNumber(reading: Reading): Promise<Reading> {
    const { observation, target } = reading
    if (observation.kind !== 'coupon-grant' || observation.couponNumber === undefined) return reading
    const [holder] = await intents.load([aliasIdOf('coupon', observation.account, observation.couponNumber)])
    if (holder?.outcome === 'unreadable') throw holder.error
    if (holder?.outcome !== 'found' || holder.intent.id === target) return reading
    return { ...reading, observation: { ...observation, takenBy: holder.intent.id } }
  }

  /** Undefined: it has to wait for its intent. */
  async function describe(reading: Reading, loaded: Loaded): Promise<CommitRequest | undefined> {
    const { receipt, observation } = reading
    if (loaded.outcome === 'unreadable') throw loaded.error
    if (loaded.outcome === 'found')
      return conclude(loaded, await checkNumber(reading), receipt, deps.windowMsOf(receipt.account), clock())
    return observation.kind === 'collection' ? describeCollection(reading) : undefined
  }

  /** Nobody registers a pay-in. */
  async function describeCollection({
    observation,
    customer,
    heard,
    receipt,
    target,
  }: Reading): Promise<CommitRequest | undefined> {
    if (observation.kind !== 'collection' || !customer) return undefined
    const id = target as CollectionId
    const personal = await deps.vault.sealSecrets(id, customer.person, customer.secrets)
    const now = clock()
    return {
      steps: [completeCollection({ id, personal, contentDigest: heard.fact }, observation, now)],
      because: { source: observation.source, receipt: receipt.id },
      receipt: { open: receipt, outcome: 'applied', heard },
      at: now,
    }
  }

  async function commitAll(requests: readonly Placed<CommitRequest>[], outcomes: RoundOutcome[]) {
    const answers = await intents.commitAll(requests.map(({ value }) => value))
    for (const [n, { i, value }] of requests.entries())
      outcomes[i] = readCommit(answers[n] as CommitOutcome | Error, value)
  }

  async function parkAll(readings: readonly Placed<Reading>[], outcomes: RoundOutcome[]) {
    const requests = readings.map(({ value: { target, receipt } }) => ({
      target,
      account: receipt.account,
      receipt,
    }))
    const answers = await intents.parkAll(requests)
    for (const [n, { i, value }] of readings.entries())
      outcomes[i] = readParking(answers[n] as ParkOutcome | Error, value.target)
  }

  return async (readings) => {
    const outcomes: RoundOutcome[] = readings.map(() => 'again')
    try {
      const [round, loaded] = await Promise.all([
        noteNumbers(readings),
        intents.load(readings.map(({ target }) => target)),
      ])
      const requests: Placed<CommitRequest>[] = []
      const early: Placed<Reading>[] = []
      for (const [i, reading] of round.entries()) {
        try {
          const value = await describe(reading, loaded[i] as Loaded)
          if (value) requests.push({ i, value })
          else early.push({ i, value: reading })
        } catch (error) {
          outcomes[i] = toFailure(error)
        }
      }
      await Promise.all([commitAll(requests, outcomes), parkAll(early, outcomes)])
      return outcomes
    } catch (error) {
      const failure = toFailure(error)
      return outcomes.map((outcome) => (outcome === 'again' ? failure : outcome))
    }
  }
}

interface Placed<Value> {
  i: number
  value: Value
}

function readCommit(commit: CommitOutcome | Error, { before, steps, receipt }: CommitRequest): RoundOutcome {
  if (commit instanceof Error) return toFailure(commit)
  const intentId = before?.id ?? steps[0]?.intent.id
  const about = intentId && { intentId }
  switch (commit.outcome) {
    case 'committed':
      return { outcome: receipt?.outcome ?? 'repeat', ...about }
    case 'recorded-before':
      return { outcome: commit.result, ...about }
    case 'moved-on':
      return 'again'
  }
}

function readParking(parked: ParkOutcome | Error, intentId: Target): RoundOutcome {
  if (parked instanceof Error) return toFailure(parked)
  switch (parked) {
    case 'parked':
      return { outcome: 'parked', intentId }
    case 'registered':
      return 'again'
    case 'full':
      return new AppError('parking-full')
  }
}

export function toFailure(error: unknown): AppError {
  return describeRedisTrouble(error) ?? asAppError(error)
}
