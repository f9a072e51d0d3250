/** What waits for a person: newest first, with how long it has waited and how much money it is about. */
import { type Case, type CaseState, caseStates } from '../../../../domain/case.ts'
import type { IntentId } from '../../../../domain/ids.ts'
import type { Intent } from '../../../../domain/intent.ts'
import { amountOf } from '../../../../domain/transfer.ts'
import { presentMoney } from '../../../../events/shared-resource.ts'
import { type Cases, isCasePlace } from '../../../../store/cases.ts'
import type { IntentStore } from '../../../../store/intents.ts'
import type { Context, Page } from '../context.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { badge, duration, link, money, nextPage, table, time } from '../parts.ts'
import { consolePaths, pathOfCase, withQuery } from '../paths.ts'
import { describeCase } from '../timeline-view.ts'
import { words } from '../words.ts'

export interface CaseListDeps {
  accounts: readonly string[]
  cases: Pick<Cases, 'list'>
  intents: Pick<IntentStore, 'load'>
}

const shown = 50

export function createCaseList({ accounts, cases, intents }: CaseListDeps) {
  return async ({ query, now }: Context): Promise<Page> => {
    const state = caseStates.find((one) => one === query('state')) ?? 'open'
    const account = accounts.find((one) => one === query('account'))
    const asked = query('after')
    const after = asked !== undefined && isCasePlace(asked) ? asked : undefined
    const page = await cases.list({ state, account, after, limit: shown })
    const amounts = await readAmounts(intents, page.cases)
    const next = page.next ? withQuery(consolePaths.cases, { state, account, after: page.next }) : undefined
    return {
      title: words.cases.title,
      current: 'cases',
      body: html`<section>${renderFilters(state, account, accounts)}
${table({
  caption: words.cases.list,
  columns: [
    { text: words.fields.case ?? '' },
    { text: words.fields.kind ?? '' },
    { text: words.fields.account ?? '' },
    { text: words.fields.atRisk ?? '', figures: true },
    { text: words.fields.age ?? '', figures: true },
    { text: words.fields.openedAt ?? '' },
  ],
  rows: page.cases.map((one) => caseRow(one, amounts, now)),
  empty: state === 'open' ? words.cases.empty : words.cases.emptyResolved,
})}${nextPage(next)}</section>`,
    }
  }
}

function caseRow(one: Case, amounts: ReadonlyMap<string, Part>, now: number): Part[] {
  return [
    link(pathOfCase(one.id), describeCase(one)),
    badge(one.kind, words.cases.shortKinds[one.kind]),
    one.account,
    one.kind === 'callback-not-applied' ? words.unknown : (amounts.get(one.intent) ?? words.unknown),
    one.state === 'open' ? duration(now - one.openedAt) : badge('resolved'),
    time(one.openedAt),
  ]
}

/** By intent. What has left or cannot be read is left out: the list is there to find the case all the same. */
export async function readAmounts(
  intents: Pick<IntentStore, 'load'>,
  cases: readonly Case[],
): Promise<Map<IntentId, Part>> {
  const ids = [...new Set(cases.flatMap((one) => (one.kind === 'callback-not-applied' ? [] : [one.intent])))]
  const loaded = await intents.load(ids)
  return new Map(
    loaded.flatMap((one) => (one.outcome === 'found' ? [[one.intent.id, renderAmount(one.intent)]] : [])),
  )
}

export function renderAmount(intent: Intent): Part {
  const amount = intent.kind === 'transfer' ? amountOf(intent) : intent.amount
  return amount && money(presentMoney(amount))
}

function renderFilters(state: CaseState, account: string | undefined, accounts: readonly string[]): SafeHtml {
  const one = (text: string, query: Record<string, string | undefined>, here: boolean) =>
    html`<li><a href="${withQuery(consolePaths.cases, query)}"${here && html` aria-current="true"`}>${text}</a></li>`
  return html`<ul class="filters">${caseStates.map((each) => one(words.cases[each], { state: each, account }, each === state))}</ul>
${accounts.length > 1 && html`<ul class="filters">${one(words.all, { state }, account === undefined)}${accounts.map((each) => one(each, { state, account: each }, each === account))}</ul>`}`
}
