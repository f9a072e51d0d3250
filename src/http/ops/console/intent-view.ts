/** What is known of one transfer, batch, coupon or pay-in, with what is personal masked. */
import type { Intent } from '../../../domain/intent.ts'
import { presentBase, presentMoney, presentSending } from '../../../events/shared-resource.ts'
import type { LoadedTotals } from '../../../store/intents.ts'
import { presentOurs } from '../../api/present-sides.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { maskName } from './mask.ts'
import { badge, code, count, definitions, duration, link, money, time } from './parts.ts'
import { pathOfAccount, pathOfCase, pathOfIntent } from './paths.ts'
import { words } from './words.ts'

export interface KnownIntent {
  intent: Intent
  /** Undefined where they were erased. */
  secrets: unknown
  totals?: LoadedTotals | undefined
}

export function renderStates({ intent }: Pick<KnownIntent, 'intent'>): SafeHtml {
  return html`${badge(intent.state)}${intent.hold && html` ${badge('held')}`}${intent.overdue && html` ${badge('overdue')}`}`
}

/** Who is held waits for somebody: that is said first. */
export function renderHold({ intent }: Pick<KnownIntent, 'intent'>, now: number): Part {
  const { hold } = intent
  if (!hold) return undefined
  return html`<div class="alert"><p><strong>${words.holds[hold.reason]}</strong> ${words.intent.heldSince(duration(now - hold.at))} ${link(pathOfCase(hold.case), words.intent.toCase)}</p></div>`
}

export function renderFacts(known: KnownIntent): SafeHtml {
  const { intent, secrets } = known
  const ours = presentOurs({ ...known, totals: undefined } as Parameters<typeof presentOurs>[0], {
    names: true,
  })
  const { amount, settledAmount, providerReference, consumed } = ours ?? {}
  const base = presentBase(intent)
  const { fields } = words
  const field = (name: string, value: Part) => [fields[name] ?? name, value] as const
  return definitions([
    field('state', renderStates(known)),
    field('account', link(pathOfAccount(intent.account), intent.account)),
    field('reference', code(intent.reference)),
    field('id', code(intent.id)),
    field('amount', money(amount)),
    field('settledAmount', money(settledAmount)),
    field('providerReference', providerReference !== undefined && code(providerReference)),
    field('beneficiary', intent.kind === 'transfer' && renderPayee(secrets, ours?.beneficiary)),
    field(
      'batch',
      intent.kind === 'transfer' && intent.batch && link(pathOfIntent(intent.batch), intent.batch),
    ),
    field('failure', renderFailure(intent)),
    field('submission', renderSending(intent)),
    ...renderKind(intent),
    field('consumed', money(consumed)),
    field('createdAt', time(base.createdAt)),
    field('updatedAt', time(base.updatedAt)),
    field('settledAt', intent.kind === 'transfer' && time(intent.settledAt)),
    field('asOf', time(intent.asOf)),
    field('sequence', String(intent.sequence)),
  ])
}

function renderKind(intent: Intent): (readonly [string, Part])[] {
  const { fields } = words
  const field = (name: string, value: Part) => [fields[name] ?? name, value] as const
  switch (intent.kind) {
    case 'transfer':
      return [field('fee', intent.fee && money(presentMoney(intent.fee)))]
    case 'batch':
      return [
        field('name', intent.name),
        field('remark', intent.remark),
        field('count', count(intent.count)),
        field('closeReason', intent.closeReason),
      ]
    case 'coupon':
      return [field('stockId', code(intent.stockId)), field('uses', String(intent.uses.length))]
    case 'collection':
      return [
        field('fee', intent.fee && money(presentMoney(intent.fee))),
        field('net', intent.net && money(presentMoney(intent.net))),
        field('channel', intent.channel),
      ]
  }
}

type Payee = { accountNumber?: string; openid?: string; name?: string; erased?: true }

function renderPayee(secrets: unknown, payee: unknown): Part {
  if (!secrets) return words.intent.erased
  const { accountNumber, openid, name } = Object(payee) as Payee
  return html`${code(accountNumber ?? openid ?? '')}${name !== undefined && html` ${maskName(name)}`} <span class="hint">(${words.intent.masked})</span>`
}

function renderFailure(intent: Intent): Part {
  if (!('failure' in intent) || !intent.failure) return undefined
  const { code: failure, reason } = intent.failure
  return html`${words.failures[failure]}${reason !== undefined && html` (${reason})`}`
}

function renderSending(intent: Intent): Part {
  const { submission } = presentSending(intent)
  if (!submission) return undefined
  const { step, since, force, validUntil } = submission
  return html`${words.submissions[step]}, ${time(since)}${force && html` (${words.intent.forced})`}${validUntil !== undefined && html`, ${words.intent.until} ${time(validUntil)}`}`
}
