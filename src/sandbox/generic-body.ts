/** A callback's body as the account's pointers expect it: the way back of its translation. */
import type { GenericSettings } from '../config/accounts/generic.ts'
import { parseAmount } from '../domain/money.ts'
import type { ObservedStatus } from '../domain/observation.ts'
import { formatTime } from '../domain/time.ts'
import { readPointer } from '../providers/generic/pointer.ts'
import type { Payout } from './signer.ts'

type Node = Record<string, unknown> | unknown[]

export function describeGeneric({ translate, currency }: GenericSettings, payout: Payout): string {
  const status = wordFor(payout.status, translate.statuses)
  const hasFailed = translate.statuses[status] === 'failed'
  const places: [string | undefined, string | undefined][] = [
    [translate.reference, payout.reference],
    [translate.providerReference, payout.providerReference],
    [translate.amount, writeAmount(payout.amount, currency, translate.amountUnit)],
    [translate.currency, currency],
    [translate.status, status],
    [translate.occurredAt, formatTime(payout.at)],
    [translate.accountNumber, payout.accountNumber],
    [translate.name, 'John Doe'],
    [translate.fee, writeAmount('0', currency, translate.amountUnit)],
    [
      translate.failureCode,
      hasFailed ? (Object.keys(translate.failureCodes ?? {})[0] ?? 'declined') : undefined,
    ],
    [translate.failureReason, hasFailed ? 'Declined by the bank' : undefined],
  ]
  const body: Record<string, unknown> = {}
  for (const [pointer, value] of places) {
    if (pointer !== undefined && value !== undefined) putAt(body, readPointer(pointer), value)
  }
  return JSON.stringify(body)
}

/** The words of `tallyhook send` mean the same for every provider; any other is sent as it is. */
const commonWords: Record<string, ObservedStatus> = {
  success: 'succeeded',
  fail: 'failed',
  pending: 'processing',
}

function wordFor(status: string, statuses: Record<string, ObservedStatus>): string {
  if (Object.hasOwn(statuses, status)) return status
  const meaning = commonWords[status]
  const word = Object.entries(statuses).find(([, observed]) => observed === meaning)?.[0]
  return word ?? status
}

function writeAmount(amount: string, currency: string, unit: 'major' | 'minor'): string {
  if (unit === 'major') return amount
  const parsed = parseAmount(amount, currency)
  return parsed.ok ? parsed.money.minor.toString() : amount
}

/** A step that is a number is taken for a place in a list. */
function putAt(root: Node, tokens: readonly string[], value: unknown): void {
  let node = root
  tokens.forEach((token, index) => {
    const next = tokens[index + 1]
    const held = readOwn(node, token)
    const child = next === undefined ? value : isNode(held) ? held : /^\d{1,3}$/.test(next) ? [] : {}
    Object.defineProperty(node, token, { value: child, enumerable: true, configurable: true, writable: true })
    if (isNode(child)) node = child
  })
}

function readOwn(node: Node, token: string): unknown {
  return Object.hasOwn(node, token) ? (node as Record<string, unknown>)[token] : undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}
