/**
 * What becomes of a subscription. Each decision gives the state after it and the fact that is published of it, in one
 * step with it: every change counts its `sequence` up by one, and what changes nothing is no step and is not published.
 */
import type {
  DisabledReason,
  Missed,
  Positions,
  SigningSecret,
  Subscription,
  SubscriptionFactName,
} from './subscription.ts'

export interface SubscriptionStep {
  after: Subscription
  fact: { name: SubscriptionFactName; sequence: number }
}

/** Each is half a kilobyte at eight partitions. */
export const missedKept = 20

/** That sign at once: the current one, and what was rotated away within its overlap. The oldest goes first. */
export const secretsMax = 3

export interface NewSubscription
  extends Pick<Subscription, 'id' | 'url' | 'description' | 'types' | 'accounts' | 'live' | 'createdBy'> {
  /** Sealed. */
  secret: string
  /** It begins without anything being sent. */
  disabled?: boolean | undefined
}

export function createSubscription(
  { secret, disabled, ...rest }: NewSubscription,
  at: number,
): SubscriptionStep {
  const after: Subscription = {
    ...rest,
    ...(disabled && { disabled: { because: 'by-person', at, by: rest.createdBy } }),
    secrets: [{ sealed: secret, createdAt: at }],
    missed: [],
    createdAt: at,
    updatedAt: at,
    sequence: 1,
  }
  return { after, fact: { name: 'created', sequence: 1 } }
}

export interface SubscriptionChanges {
  url?: string | undefined
  types?: readonly string[] | undefined
  accounts?: readonly string[] | undefined
  /** null: it has none any more. */
  description?: string | null | undefined
}

export function changeSubscription(
  before: Subscription,
  changes: SubscriptionChanges,
  at: number,
): SubscriptionStep | undefined {
  const { description: _, ...rest } = before
  const description = changes.description === undefined ? before.description : changes.description
  const after: Subscription = {
    ...rest,
    url: changes.url ?? before.url,
    types: changes.types ?? before.types,
    accounts: changes.accounts ?? before.accounts,
    ...(description && { description }),
  }
  return isSame(before, after) ? undefined : step('changed', after, at)
}

export type Enabling =
  /** The run goes on where it stood: in order, and nothing is lost. */
  | { missed: 'send' }
  /** A run of its own begins at the log's end. `stood`: all before it was dealt with; what follows is noted as missed. */
  | { missed: 'skip'; live: Subscription['live']; stood: Positions }

export function enableSubscription(
  before: Subscription,
  enabling: Enabling,
  at: number,
): SubscriptionStep | undefined {
  const { disabled, ...rest } = before
  if (!disabled) return undefined
  if (enabling.missed === 'send') return step('enabled', rest, at)
  const { live, stood } = enabling
  const stretch: Missed = { from: stood, until: live.from, since: disabled.at, till: at }
  const missed = isEmpty(stretch) ? rest.missed : [...rest.missed, stretch].slice(-missedKept)
  return step('enabled', { ...rest, live, missed }, at)
}

export interface Disabling {
  because: DisabledReason
  by?: string | undefined
  reason?: string | undefined
}

/** One that is disabled already stays so for the reason that it had. */
export function disableSubscription(
  before: Subscription,
  { because, by, reason }: Disabling,
  at: number,
): SubscriptionStep | undefined {
  if (before.disabled) return undefined
  const disabled = { because, at, ...(by && { by }), ...(reason && { reason }) }
  return step('disabled', { ...before, disabled }, at)
}

/** What the log of one partition did not have any more when the run came to it; undefined where that was noted already. */
export function noteMissed(
  before: Subscription,
  { partition, from, until }: { partition: number; from: string; until: string },
  at: number,
): SubscriptionStep | undefined {
  const stand = (position: string) => before.live.from.map((one, i) => (i === partition ? position : one))
  const stretch: Missed = { from: stand(from), until: stand(until), since: at, till: at }
  const known = before.missed.some(
    (one) => isSameList(one.from, stretch.from) && isSameList(one.until, stretch.until),
  )
  return known
    ? undefined
    : step('changed', { ...before, missed: [...before.missed, stretch].slice(-missedKept) }, at)
}

/** When the overlap is over, the new one alone signs, whatever was rotated before. */
export function rotateSecret(
  before: Subscription,
  { sealed, overlapMs }: { sealed: string; overlapMs: number },
  at: number,
): SubscriptionStep {
  const until = at + overlapMs
  const older = before.secrets.map((one) => ({ ...one, until: Math.min(one.until ?? until, until) }))
  return step('changed', { ...before, secrets: [{ sealed, createdAt: at }, ...older] }, at)
}

/** Of a rotation that was made already: those before it end sooner. Undefined where they end by then anyway. */
export function shortenOverlap(
  before: Subscription,
  overlapMs: number,
  at: number,
): SubscriptionStep | undefined {
  const end = at + overlapMs
  const secrets = before.secrets.map((one) =>
    one.until !== undefined && one.until > end ? { ...one, until: end } : one,
  )
  const isSooner = secrets.some((one, i) => one !== before.secrets[i])
  return isSooner ? step('changed', { ...before, secrets }, at) : undefined
}

/** The state is the last there was. */
export function deleteSubscription(before: Subscription, at: number): SubscriptionStep {
  return step('deleted', before, at)
}

/** Those that sign at this moment, the current one first. */
export function secretsAt(secrets: readonly SigningSecret[], at: number): SigningSecret[] {
  return secrets.filter(({ until }) => until === undefined || at < until)
}

function step(name: SubscriptionFactName, state: Subscription, at: number): SubscriptionStep {
  const sequence = state.sequence + 1
  const secrets = secretsAt(state.secrets, at).slice(0, secretsMax)
  return { after: { ...state, secrets, updatedAt: at, sequence }, fact: { name, sequence } }
}

function isSame(one: Subscription, other: Subscription): boolean {
  return (
    one.url === other.url &&
    one.description === other.description &&
    isSameList(one.types, other.types) &&
    isSameList(one.accounts, other.accounts)
  )
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, i) => each === other[i])
}

function isEmpty({ from, until }: Missed): boolean {
  return isSameList(from, until)
}
