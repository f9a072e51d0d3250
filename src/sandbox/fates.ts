/**
 * How a payout's fate is chosen: by its reference, by its exact amount, by a rule of a file, or else by rates. Each choice
 * follows from the seed, the provider, the reference and what is chosen, and from nothing else: neither the time nor
 * the order of the requests changes it.
 */
import { createHmac } from 'node:crypto'
import {
  type Behaviour,
  behaviourNames,
  findByAmount,
  readReference,
  type SandboxProvider,
} from './behaviours.ts'
import { matchesRule, type Rule } from './rules.ts'

export type Rates = Partial<Record<Behaviour, number>>

export interface FateOptions {
  seed: number | string
  rates?: Rates | undefined
  rules?: readonly Rule[] | undefined
  /** Between a payout's acceptance and its end. A slow one takes twenty times the longest. */
  delayMs?: { from: number; to: number } | undefined
}

export interface Fate {
  outcome: 'success' | 'fail'
  /** Where one was asked for: by a rule as it stands there, by a reference as `ACCOUNT_FROZEN`. */
  reason?: string | undefined
  has(name: Behaviour): boolean
  delayMs: number
  /** From 0 up to 1; the same for the same purpose. */
  random(purpose: string): number
}

export interface Fates {
  fateOf(provider: SandboxProvider, reference: string, amountMinor: bigint): Fate
}

const usualDelay = { from: 800, to: 4_000 }
const slowFactor = 20

export function createFates({ seed, rates = {}, rules = [], delayMs = usualDelay }: FateOptions): Fates {
  const key = String(seed)

  /** Whoever asks for something by name gets that alone: rates would make a test of it fail now and then. */
  function choose(provider: SandboxProvider, reference: string, amountMinor: bigint, random: Fate['random']) {
    const named = readReference(reference)
    const matching = rules.filter((rule) => matchesRule(rule, { provider, reference, amountMinor }))
    const byAmount = findByAmount(provider, amountMinor)
    const asked = [...named.names, ...byAmount, ...matching.flatMap((rule) => rule.do)]
    const byRate = behaviourNames.filter((name) => random(`rate:${name}`) < (rates[name] ?? 0))
    const reason = matching.find((rule) => rule.reason !== undefined)?.reason ?? named.reason
    return { names: new Set(asked.length > 0 ? asked : byRate), reason }
  }

  return {
    fateOf(provider, reference, amountMinor) {
      const random = (purpose: string) => hashToShare(key, [provider, reference, purpose])
      const { names, reason } = choose(provider, reference, amountMinor, random)
      const usual = delayMs.from + Math.floor(random('delay') * (delayMs.to - delayMs.from + 1))
      return {
        outcome: names.has('fail') ? 'fail' : 'success',
        reason,
        has: (name) => names.has(name),
        delayMs: names.has('slow') ? delayMs.to * slowFactor : usual,
        random,
      }
    },
  }
}

/** One of the list, by the payout's fate. */
export function pick<T>(list: readonly [T, ...T[]], share: number): T {
  return list[Math.min(Math.floor(share * list.length), list.length - 1)] ?? list[0]
}

const shareBits = 48

function hashToShare(key: string, parts: readonly string[]): number {
  const digest = createHmac('sha256', key).update(JSON.stringify(parts)).digest()
  return digest.readUIntBE(0, shareBits / 8) / 2 ** shareBits
}
