/** Rules of a file: which payouts get which behaviours. Everything is checked when the sandbox starts. */
import { z } from 'zod'
import { AppError } from '../domain/errors.ts'
import { parseAmount } from '../domain/money.ts'
import { type Behaviour, behaviourNames, type SandboxProvider } from './behaviours.ts'

export interface Rule {
  match: {
    reference?: RegExp | undefined
    amountMinor?: bigint | undefined
    provider?: SandboxProvider | undefined
  }
  do: Behaviour[]
  reason?: string | undefined
}

const ruleSchema = z.strictObject({
  match: z
    .strictObject({
      reference: z.string().optional(),
      /** Rupiah or yuan, as `25000.00`. */
      amount: z.string().optional(),
      provider: z.enum(['zenospay', 'wechatpay']).optional(),
    })
    .prefault({}),
  do: z.array(z.enum(behaviourNames)).min(1),
  reason: z.string().min(1).max(64).optional(),
})

/** From the text of a file; `where` names it in what is said about it. */
export function parseRules(text: string, where: string): Rule[] {
  const parsed = z.array(ruleSchema).safeParse(readJson(text, where))
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: 'It is off.' }
    throw invalid(where, `${path.join('.')}: ${message}`)
  }
  return parsed.data.map(({ match, ...rule }, index) => ({
    ...rule,
    match: {
      provider: match.provider,
      reference: match.reference === undefined ? undefined : readPattern(match.reference, where, index),
      amountMinor: match.amount === undefined ? undefined : readAmount(match.amount, where, index),
    },
  }))
}

/** A rule that names nothing is for every payout. */
export function matchesRule(
  { match }: Rule,
  payout: { provider: SandboxProvider; reference: string; amountMinor: bigint },
): boolean {
  if (match.provider !== undefined && match.provider !== payout.provider) return false
  if (match.amountMinor !== undefined && match.amountMinor !== payout.amountMinor) return false
  return match.reference === undefined || match.reference.test(payout.reference)
}

function readJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('invalid-request', { detail: `${where}: it is not JSON.`, cause })
  }
}

function readPattern(text: string, where: string, index: number): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw invalid(where, `${index}.match.reference: it is no regular expression.`)
  }
}

/** Both currencies of the sandbox have two decimals. */
function readAmount(text: string, where: string, index: number): bigint {
  const parsed = parseAmount(text, 'IDR')
  if (parsed.ok) return parsed.money.minor
  throw invalid(where, `${index}.match.amount: it cannot be read (${parsed.problem}).`)
}

function invalid(where: string, what: string): AppError {
  return new AppError('invalid-request', { detail: `${where}: ${what}` })
}
