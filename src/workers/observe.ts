/**
 * From a receipt to an observation: open, translate, and put keyed digests in the place of what is personal. What it
 * speaks of and what it says are digested too, so that an intent can tell a repeat from news.
 */
import type { CollectionSecrets } from '../domain/collection.ts'
import { AppError } from '../domain/errors.ts'
import type { Intent } from '../domain/intent.ts'
import type { Observation, ObservedPayee, SeenPayee, Sighting } from '../domain/observation.ts'
import { describeCustomer, describePerson, digestName } from '../domain/person.ts'
import { erasedBody, type OpenReceipt, type Receipt } from '../domain/receipt.ts'
import { describeFact, type Heard } from '../domain/repeats.ts'
import type { AccountProvider } from '../providers/provider.ts'
import type { Sealer } from '../queue/job-data.ts'
import { aliasIdOf, targetOf } from '../store/ids.ts'
import type { Target } from '../store/intents.ts'
import { receiptPlace } from '../store/vault.ts'

export interface ObserveDeps {
  providers: ReadonlyMap<string, AccountProvider>
  sealer: Sealer
  /** Keyed: who reads Redis learns no account number from it. */
  digestPerson(text: string): string
  digestFact(text: string): string
}

/** As a job brings it: sealed by itself, or opened together with its group. */
export type BroughtReceipt = Receipt | OpenReceipt

export interface Observed {
  observation: Observation
  /** With what is personal in the open: for showing it, masked, and for nothing else. */
  seen: Sighting
  target: Target
  heard: Heard
  /** The provider's own number of a payout, which stands for one intent of ours. */
  number?: ReturnType<typeof aliasIdOf>
  /** Of a pay-in: whose key seals what is personal about it. */
  customer?: { person: string; secrets: CollectionSecrets }
}

export type Observe = (receipt: OpenReceipt) => Observed

export function createObserve(deps: ObserveDeps): Observe {
  return (receipt) => {
    const provider = deps.providers.get(receipt.account)
    if (!provider) {
      throw new AppError('account-not-configured', {
        detail: `The account ${receipt.account} is not in the configuration. Add it and retry.`,
      })
    }
    const translation = provider.translate(receipt.opened, receipt.asked)
    if (translation.outcome === 'not-understood') {
      throw new AppError('callback-not-understood', { detail: translation.reason })
    }
    return describe(translation.observation, receipt, deps)
  }
}

/** Somebody else than it is known to be about, as where another account was paid. */
export function namesOther(
  { personal }: Pick<Intent, 'personal'>,
  { observation, customer }: Pick<Observed, 'observation' | 'customer'>,
): string | undefined {
  const isPaid = observation.kind === 'transfer' || observation.kind === 'submission'
  const person = isPaid ? observation.payee?.person : customer?.person
  return person === personal.person ? undefined : person
}

function describe(seen: Sighting, receipt: OpenReceipt, deps: ObserveDeps): Observed {
  const observation = hidePersonal(seen, receipt, deps)
  const { identity, fact } = describeFact(observation)
  const heard: Heard = {
    receipt: receipt.id,
    at: receipt.receivedAt,
    body: receipt.digest.slice(0, 16),
    fact: deps.digestFact(fact),
    identity: deps.digestFact(identity),
    ...((observation.source === 'query' || observation.source === 'submission') && { asked: true }),
  }
  observation.fact = heard.fact
  const base = { observation, seen, target: targetOf(observation), heard }
  const isNumbered = seen.kind === 'transfer' || (seen.kind === 'submission' && seen.of === 'transfer')
  if (isNumbered && seen.providerReference !== undefined)
    return { ...base, number: aliasIdOf('payout', seen.account, seen.providerReference) }
  if (seen.kind !== 'collection') return base
  const customer = describeCustomer(seen.secrets.customerName, seen.transaction)
  return { ...base, customer: { person: deps.digestPerson(customer), secrets: seen.secrets } }
}

function hidePersonal(seen: Sighting, { id }: OpenReceipt, deps: ObserveDeps): Observation {
  if (seen.kind === 'collection') return { ...seen, receiptId: id, secrets: undefined }
  if (seen.kind !== 'transfer' && seen.kind !== 'submission') return { ...seen, receiptId: id }
  const { payee, ...rest } = seen
  return { ...rest, receiptId: id, ...(payee && { payee: hidePayee(payee, deps) }) }
}

function hidePayee({ kind, number, name }: SeenPayee, deps: ObserveDeps): ObservedPayee {
  return {
    kind,
    ...(number !== undefined && { person: deps.digestPerson(describePerson(kind, number)) }),
    ...(name !== undefined && { nameDigest: digestName(name, deps.digestPerson) }),
  }
}

export function openReceipt(receipt: BroughtReceipt, { open }: Sealer): OpenReceipt {
  if ('opened' in receipt) return receipt
  const { body, ...head } = receipt
  if (body === erasedBody) {
    throw new AppError('receipt-erased', {
      detail: 'What this callback said was erased before it could be applied. Ask the provider.',
    })
  }
  return { ...head, opened: open(body, receiptPlace(receipt.id)) }
}

/** For where it will rest by itself. */
export function sealReceipt(receipt: BroughtReceipt, { seal }: Sealer): Receipt {
  if (!('opened' in receipt)) return receipt
  const { opened, ...head } = receipt
  return { ...head, body: seal(opened, receiptPlace(receipt.id)) }
}
