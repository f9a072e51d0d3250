/** The accounts: how each does, which key proves how much of its traffic, and whether anything is sent for it. */
import type { AccountProvider } from '../../../../providers/provider.ts'
import { delayClasses } from '../../../../store/delay-counts.ts'
import type { KeyUsage } from '../../../../store/key-usage.ts'
import type { RepeatCounts } from '../../../../store/repeat-counts.ts'
import { type AccountLook, findAccount, type KnownAccount } from '../../../api/account-health.ts'
import type { AccountHealthResource } from '../../../api/account-schemas.ts'
import { type PresentedKey, presentKeys } from '../../../api/accounts.ts'
import { type Pausing, pauseRequestSchema } from '../../../api/pauses.ts'
import { validate } from '../../../api/validate.ts'
import type { Context, Onward, Page } from '../context.ts'
import { button, form, reasonField, renderProblem } from '../forms.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { code, count, definitions, link, section, table, time } from '../parts.ts'
import { consolePaths, pathOfAccount } from '../paths.ts'
import { plotBars } from '../plot.ts'
import { words } from '../words.ts'
import { renderHealth } from './overview.ts'

export interface AccountPageDeps {
  knownAccounts: readonly KnownAccount[]
  look: AccountLook['look']
  lookClosely: AccountLook['lookClosely']
  providers: ReadonlyMap<string, Pick<AccountProvider, 'keyIds'>>
  usage: Pick<KeyUsage, 'keysOf' | 'refusalsOf'>
  repeats: RepeatCounts
  pausing: Pausing
}

export function createAccountList({ knownAccounts, look }: AccountPageDeps) {
  return async (): Promise<Page> => {
    const all = await Promise.all(knownAccounts.map(look))
    const { accounts, fields, overview } = words
    return {
      title: accounts.title,
      current: 'accounts',
      body: html`<section>${table({
        caption: accounts.title,
        columns: [
          { text: fields.account ?? '' },
          { text: accounts.provider },
          { text: accounts.currency },
          { text: fields.health ?? '' },
          { text: overview.pending, figures: true },
          { text: overview.overdue, figures: true },
          { text: overview.lastCallback },
        ],
        rows: all.map((one) => [
          link(pathOfAccount(one.account), one.account),
          one.provider,
          one.currency,
          renderHealth(one),
          count(one.pending.count),
          count(one.pending.overdue),
          time(one.lastCallbackAt) ?? words.never,
        ]),
        empty: words.none,
      })}</section>`,
    }
  }
}

export function createAccountPage({
  knownAccounts,
  lookClosely,
  providers,
  usage,
  repeats,
}: AccountPageDeps) {
  return async (context: Context): Promise<Page> => {
    const known = findAccount(knownAccounts, context.param('id'))
    const [health, uses, refusals, repeated] = await Promise.all([
      lookClosely(known),
      usage.keysOf(known.id),
      usage.refusalsOf(known.id),
      repeats.countsOf(known.id),
    ])
    const keys = presentKeys(providers.get(known.id)?.keyIds() ?? [], uses)
    const { accounts } = words
    return {
      title: known.id,
      current: 'accounts',
      body: html`${renderProblem(context.problem)}
${section(accounts.facts, renderFacts(health, repeated))}
${section(accounts.sending, renderPause(health, context))}
${section(accounts.keys, html`<p class="hint">${accounts.keysHint}</p>`, renderKeys(keys))}
<div class="columns">
${section(
  accounts.refusals,
  table({
    caption: accounts.refusals,
    columns: [
      { text: words.fields.reason ?? '' },
      { text: accounts.callbacks, figures: true },
      { text: accounts.lastAt },
    ],
    rows: refusals.map(({ name, count: number, lastAt }) => [
      words.refusals[name] ?? name,
      count(number),
      time(lastAt),
    ]),
    empty: accounts.noRefusals,
  }),
  html`<p>${link(consolePaths.quarantine, words.quarantine.title)}</p>`,
)}
${section(
  words.overview.delays,
  plotBars({
    caption: words.overview.delaysCaption,
    series: [words.overview.settled],
    bars: delayClasses.map((name) => ({
      label: name === 'more' ? words.overview.more : `≤ ${name}`,
      values: [health.timeToCallback[name] ?? 0],
    })),
  }),
)}
</div>`,
    }
  }
}

export function createPauseAct(which: 'pause' | 'resume', { knownAccounts, pausing }: AccountPageDeps) {
  return async ({ param, form: given, principal, note }: Context): Promise<Onward> => {
    const { id } = findAccount(knownAccounts, param('id'))
    const { reason } = validate(pauseRequestSchema, { reason: given.reason })
    const { before, after } = await pausing[which](id, { by: principal.id, reason })
    note({ before, after })
    return { to: pathOfAccount(id), notice: which === 'pause' ? 'paused' : 'resumed' }
  }
}

function renderFacts(health: AccountHealthResource, repeated: Record<string, number>): SafeHtml {
  const { accounts, overview, fields } = words
  const { balance, balanceMissing, breaker, pending } = health
  return definitions([
    [fields.health ?? '', renderHealth(health)],
    [accounts.provider, health.provider],
    [accounts.currency, health.currency],
    [overview.pending, count(pending.count)],
    [overview.overdue, count(pending.overdue)],
    [overview.lastCallback, time(health.lastCallbackAt) ?? words.never],
    [
      accounts.breaker,
      breaker &&
        html`${words.breakers[breaker.state]}${breaker.retryAt !== null && html`, ${words.intent.until} ${time(breaker.retryAt)}`}`,
    ],
    [
      accounts.balance,
      balance
        ? `${balance.available} ${balance.currency}`
        : accounts.noBalance[balanceMissing ?? 'no-answer'],
    ],
    [
      accounts.repeats,
      Object.entries(repeated).map(
        ([name, number]) => html`${words.repeats[name] ?? name}: ${count(number)}<br>`,
      ),
    ],
    [
      accounts.limits,
      health.limits.length > 0 &&
        health.limits.map((one) => html`${code(one.bucket)} ${one.count} / ${one.perMs / 1000} s<br>`),
    ],
  ])
}

function renderPause(
  { account, submissions }: AccountHealthResource,
  { may, form: given }: Context,
): SafeHtml {
  const { accounts } = words
  const { paused, byConfiguration, byOperator } = submissions
  const state = html`<p>${paused ? accounts.isPaused : accounts.isSending}${byConfiguration && ` ${accounts.byConfiguration}`}${byOperator && html` ${words.intent.by(byOperator.by)}, ${time(byOperator.at)}: “${byOperator.reason}”`}</p>`
  if (!may('ops:act')) return html`${state}<p class="hint">${accounts.mayNot}</p>`
  if (byConfiguration) return html`${state}<p class="hint">${accounts.configured}</p>`
  const does = byOperator ? 'resume' : 'pause'
  return html`${state}${form(
    { action: `${pathOfAccount(account)}/${does}`, label: accounts.sending },
    html`<p class="hint">${accounts.will[does]}</p>`,
    reasonField('reason', given.reason, words.reasonHint),
    button(accounts.does[does]),
  )}`
}

/** As a share of all that were verified. */
function renderKeys(keys: readonly PresentedKey[]): SafeHtml {
  const { accounts } = words
  const all = keys.reduce((sum, key) => sum + key.count, 0)
  return table({
    caption: accounts.keys,
    columns: [
      { text: accounts.key },
      { text: accounts.isConfigured },
      { text: accounts.callbacks, figures: true },
      { text: accounts.share },
      { text: accounts.lastAt },
    ],
    rows: keys.map((key) => [
      code(key.keyId),
      key.configured ? words.yes : words.no,
      count(key.count),
      renderShare(all === 0 ? 0 : key.count / all),
      time(key.lastUsedAt) ?? words.never,
    ]),
    empty: words.none,
  })
}

function renderShare(share: number): Part {
  const percent = `${Math.round(share * 100)} %`
  return html`<span class="share"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="100" height="10"/><rect width="${(share * 100).toFixed(1)}" height="10"/></svg> ${percent}</span>`
}
