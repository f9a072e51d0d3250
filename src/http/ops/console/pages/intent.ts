/** One transfer, batch, coupon or pay-in: what is known, and why it is so. */

import { emptyTotals } from '../../../../domain/batch.ts'
import { AppError } from '../../../../domain/errors.ts'
import type { BatchId, IntentId } from '../../../../domain/ids.ts'
import type { Intent, IntentKind } from '../../../../domain/intent.ts'
import { type TransferState, transferStates } from '../../../../domain/transfer.ts'
import { presentMoney } from '../../../../events/shared-resource.ts'
import { readBatchId, readCollectionId, readCouponId, readTransferId } from '../../../../store/ids.ts'
import type { IntentStore, LoadedTotals } from '../../../../store/intents.ts'
import type { Members } from '../../../../store/members.ts'
import type { Vault } from '../../../../store/vault.ts'
import type { ReadTimeline } from '../../../../workers/timeline.ts'
import type { Context, Page } from '../context.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { type KnownIntent, renderFacts, renderHold, renderStates } from '../intent-view.ts'
import { link, money, nextPage, section, table, time } from '../parts.ts'
import { pathOfIntent, withQuery } from '../paths.ts'
import { renderProgress } from '../progress.ts'
import { renderTimeline } from '../timeline-view.ts'
import { words } from '../words.ts'

export interface IntentPageDeps {
  readTimeline: ReadTimeline
  intents: Pick<IntentStore, 'load'>
  vault: Pick<Vault, 'openSecrets'>
  members: Pick<Members, 'list'>
}

const readers: Record<IntentKind, (text: string) => IntentId | undefined> = {
  transfer: readTransferId,
  batch: readBatchId,
  coupon: readCouponId,
  collection: readCollectionId,
}

const membersShown = 100

export function createIntentPage(kind: IntentKind, deps: IntentPageDeps) {
  return async (context: Context): Promise<Page> => {
    const id = readers[kind](context.param('id'))
    const timeline = id && (await deps.readTimeline(id))
    if (!timeline) throw new AppError('not-found')
    const { intent } = timeline
    const known = await readKnown(deps, intent)
    return {
      title: `${words.kinds[kind]} ${intent.reference}`,
      body: html`${renderHold(known, context.now)}
${section(words.intent.facts, renderFacts(known))}
${intent.kind === 'batch' && (await renderBatch(deps, known, context))}
${section(words.intent.why, renderTimeline(timeline))}`,
    }
  }
}

async function readKnown({ intents, vault }: IntentPageDeps, intent: Intent): Promise<KnownIntent> {
  const [secrets, totals] = await Promise.all([
    vault.openSecrets(intent),
    intent.kind === 'batch' ? readTotals(intents, intent.id) : undefined,
  ])
  return { intent, secrets, totals }
}

async function readTotals(
  intents: IntentPageDeps['intents'],
  id: BatchId,
): Promise<LoadedTotals | undefined> {
  const [found] = await intents.load([id])
  return found?.outcome === 'found' ? found.totals : undefined
}

async function renderBatch(
  { members }: IntentPageDeps,
  { intent, totals }: KnownIntent,
  { query }: Context,
): Promise<SafeHtml> {
  if (intent.kind !== 'batch') return html``
  const state = transferStates.find((one) => one === query('state'))
  const after = /^\d{1,6}$/.test(query('after') ?? '') ? Number(query('after')) : undefined
  const page = await members.list(intent.id, { after, state, limit: membersShown })
  const here = pathOfIntent(intent.id)
  const next = page.next === null ? undefined : withQuery(here, { state, after: String(page.next) })
  return html`${section(
    words.intent.progress,
    renderProgress(totals?.totals ?? emptyTotals(), intent.count, intent.amount.currency),
  )}
${section(
  words.intent.transfers,
  renderStateLinks(here, state),
  table({
    caption: words.intent.transfers,
    columns: transferColumns,
    rows: page.transfers.map(transferRow),
    empty: words.intent.noTransfers,
  }),
  nextPage(next),
)}`
}

function renderStateLinks(here: string, chosen: TransferState | undefined): SafeHtml {
  const links = transferStates.map((state) => ({ text: words.states[state] ?? state, state }))
  const one = (text: string, state?: TransferState) =>
    html`<li><a href="${withQuery(here, { state })}"${state === chosen && html` aria-current="true"`}>${text}</a></li>`
  return html`<ul class="filters">${one(words.all)}${links.map(({ text, state }) => one(text, state))}</ul>`
}

export const transferColumns = [
  { text: words.fields.reference ?? '' },
  { text: words.fields.state ?? '' },
  { text: words.fields.amount ?? '', figures: true as const },
  { text: words.fields.account ?? '' },
  { text: words.fields.updatedAt ?? '' },
]

/** Of anything that is searched for. */
export function transferRow(intent: Intent): Part[] {
  const amount = 'amount' in intent && intent.amount ? presentMoney(intent.amount) : undefined
  return [
    link(pathOfIntent(intent.id), intent.reference),
    renderStates({ intent }),
    money(amount),
    intent.account,
    time(intent.updatedAt),
  ]
}
