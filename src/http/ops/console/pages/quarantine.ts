/** Callbacks that were refused, and any one by its id. What it says is never shown; it can be verified again. */
import { type ReceiptId, readReceiptId } from '../../../../domain/ids.ts'
import type { Logger } from '../../../../telemetry/logger.ts'
import type { QuarantineEntryResource, ReceiptResource } from '../../../api/receipt-schemas.ts'
import { type FindDeps, findReceipt, presentEntry, presentFound } from '../../../api/receipts.ts'
import type { Reverification, Reverify } from '../../../api/reverify.ts'
import type { Context, Onward, Page } from '../context.ts'
import { button, form, renderProblem } from '../forms.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { badge, code, count, definitions, link, nextPage, section, table, time } from '../parts.ts'
import { consolePaths, pathOfAccount, pathOfReceipt, withQuery } from '../paths.ts'
import { toReceipt } from '../timeline-view.ts'
import { words } from '../words.ts'
import { linkToSubject } from './subscriptions.ts'

export interface ReceiptPageDeps extends FindDeps {
  reverify: Reverify
  logger: Logger
}

const shown = 50

export function createQuarantinePage({ accounts, quarantine }: ReceiptPageDeps) {
  return async ({ query }: Context): Promise<Page> => {
    const account = accounts.find((one) => one === query('account'))
    const asked = query('after')
    const after: ReceiptId | undefined = asked === undefined ? undefined : readReceiptId(asked)
    const page = await quarantine.list({
      accounts: account === undefined ? accounts : [account],
      after,
      limit: shown,
    })
    const { quarantine: said, fields } = words
    const next = page.next ? withQuery(consolePaths.quarantine, { account, after: page.next }) : undefined
    return {
      title: said.title,
      current: 'quarantine',
      body: html`<section><p class="hint">${said.hint}</p>${table({
        caption: said.title,
        columns: [
          { text: fields.receipt ?? '' },
          { text: fields.account ?? '' },
          { text: said.why },
          { text: said.from },
          { text: said.bytes, figures: true },
          { text: fields.receivedAt ?? '' },
        ],
        rows: page.entries.map(presentEntry).map(entryRow),
        empty: said.empty,
      })}${nextPage(next)}</section>`,
    }
  }
}

function entryRow({ id, account, reason, source, bytes, receivedAt }: QuarantineEntryResource): Part[] {
  return [toReceipt(id), account, words.refusals[reason] ?? reason, source, count(bytes), time(receivedAt)]
}

export function createReceiptPage(deps: ReceiptPageDeps) {
  return async (context: Context): Promise<Page> => {
    const found = presentFound(await findReceipt(deps, context.param('id')))
    const { receipts, fields } = words
    return {
      title: `${fields.receipt} ${found.id}`,
      body: html`${renderProblem(context.problem)}
${section(receipts.facts, found.where === 'quarantine' ? renderEntry(found) : renderReceipt(found))}
${found.where !== 'quarantine' && section(receipts.headers, html`<p class="hint">${receipts.headersHint}</p>`, renderHeaders(found.headers))}
${section(receipts.reverify, renderReverify(found, context))}`,
    }
  }
}

export function createReverifyAct(deps: ReceiptPageDeps) {
  return async ({ param, principal }: Context): Promise<Onward> => {
    const found = await findReceipt(deps, param('id'))
    const isRefused = found.where === 'quarantine'
    const { id, account } = isRefused ? found.entry : found.receipt
    const answer = isRefused
      ? await deps.reverify.quarantined(found.entry)
      : await deps.reverify.received(found.receipt)
    deps.logger.info('receipt.reverified', { receiptId: id, account, ...answer, principal: principal.id })
    // One that was accepted is on the queue now, where it may not be found for a moment.
    const to = isAccepted(answer) ? consolePaths.quarantine : pathOfReceipt(id)
    return { to, notice: noticeOf(answer) }
  }
}

function isAccepted(answer: Reverification): boolean {
  return answer.outcome === 'authentic' && answer.accepted
}

function noticeOf(answer: Reverification): 'accepted' | 'authentic' | 'refused' {
  if (answer.outcome === 'refused') return 'refused'
  return answer.accepted ? 'accepted' : 'authentic'
}

function renderReceipt(one: ReceiptResource): SafeHtml {
  const { receipts, fields, outcomes } = words
  return definitions([
    [receipts.where, receipts.places[one.where]],
    [fields.account ?? '', link(pathOfAccount(one.account), one.account)],
    [fields.receivedAt ?? '', time(one.receivedAt)],
    [receipts.key, one.keyId !== '' && code(one.keyId)],
    [words.intent.unverified, one.unverified && badge('unverified', words.yes, 'bad')],
    [fields.outcome ?? '', one.outcome && badge(one.outcome, outcomes[one.outcome])],
    [words.cases.about, one.intent !== undefined && linkToSubject(one.intent)],
    [receipts.decidedOn, one.decidedOn !== undefined && `#${one.decidedOn}`],
    [receipts.decidedAt, one.decidedAt !== undefined && time(one.decidedAt)],
    [words.quarantine.bytes, count(one.bytes)],
    [receipts.digest, code(one.digest)],
  ])
}

function renderEntry(one: QuarantineEntryResource): SafeHtml {
  const { receipts, quarantine, fields } = words
  return definitions([
    [receipts.where, receipts.places.quarantine],
    [quarantine.why, words.refusals[one.reason] ?? one.reason],
    [fields.account ?? '', link(pathOfAccount(one.account), one.account)],
    [fields.receivedAt ?? '', time(one.receivedAt)],
    [quarantine.from, code(one.source)],
    [quarantine.bytes, count(one.bytes)],
    [receipts.digest, code(one.digest)],
  ])
}

function renderHeaders(headers: Readonly<Record<string, string>>): SafeHtml {
  const { receipts } = words
  return table({
    caption: receipts.headers,
    columns: [{ text: receipts.header }, { text: receipts.value }],
    rows: Object.entries(headers).map(([name, value]) => [code(name), code(value)]),
    empty: words.none,
  })
}

function renderReverify(one: ReceiptResource | QuarantineEntryResource, { may }: Context): SafeHtml {
  const { receipts } = words
  if (!may('ops:act')) return html`<p>${receipts.mayNot}</p>`
  const isRefused = one.where === 'quarantine'
  if (isRefused && !one.kept) return html`<p>${receipts.notKept}</p>`
  return form(
    { action: `${pathOfReceipt(one.id)}/reverify`, label: receipts.reverify },
    html`<p class="hint">${isRefused ? receipts.willAccept : receipts.willCheck}</p>`,
    button(isRefused ? receipts.acceptButton : receipts.checkButton),
  )
}
