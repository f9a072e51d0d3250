/** Both sides of a case as a table: a row for each field, a column for what we know and for each that said something. */
import type { SideResource, SidesResource } from '../../api/side-schemas.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { badge, code, money, time } from './parts.ts'
import { toReceipt } from './timeline-view.ts'
import { words } from './words.ts'

type Row = [field: string, ours: Part, theirs: (side: SideResource) => Part]

export function renderSides({ ours, known, theirs }: SidesResource): SafeHtml {
  const sides = [...(known ? [known] : []), ...theirs]
  const rows = rowsOf(ours).filter(
    ([, mine, said]) => isPresent(mine) || sides.some((side) => isPresent(said(side))),
  )
  const heads = sides.map((side) => (side === known ? words.cases.known : words.cases.theirs))
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${words.cases.sides}"><table class="sides">
<thead><tr><td></td><th scope="col">${words.cases.ours}</th>${heads.map((head, i) => html`<th scope="col">${head}<br>${toReceipt(sides[i]?.receipt ?? '')}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([
      field,
      mine,
      said,
    ]) => html`<tr><th scope="row">${words.fields[field] ?? field}</th><td>${mine}</td>${sides.map((side) => renderCell(field, said(side), side))}</tr>
`,
  )}</tbody></table></div>`
}

/** Colour and word both say where it differs. */
function renderCell(field: string, part: Part, { differs = [] }: SideResource): SafeHtml {
  const isOther = differs.includes(field)
  if (!isOther) return html`<td>${part}</td>`
  return html`<td class="differs">${part}<span class="tag">${words.cases.differs}</span></td>`
}

function rowsOf(ours: SidesResource['ours']): Row[] {
  const mine = ours ?? undefined
  const payee = (mine?.beneficiary ?? {}) as Payee
  return [
    ['status', mine && badge(mine.state), (side) => renderStatus(side)],
    ['amount', money(mine?.settledAmount ?? mine?.amount), ({ amount }) => money(amount)],
    ['providerReference', maybeCode(mine?.providerReference), (side) => maybeCode(side.providerReference)],
    ['reference', maybeCode(mine?.reference), ({ reference }) => maybeCode(reference)],
    ['accountNumber', maybeCode(payee.accountNumber), (side) => maybeCode(side.beneficiary?.accountNumber)],
    ['openid', maybeCode(payee.openid), (side) => maybeCode(side.beneficiary?.openid)],
    ['name', payee.erased ? words.intent.erased : payee.name, ({ beneficiary }) => beneficiary?.name],
    ['fee', money(mine?.fee), ({ fee }) => money(fee)],
    ['net', money(mine?.net), ({ net }) => money(net)],
    ['count', mine?.count, ({ figures }) => figures?.count],
    ['consumed', money(mine?.consumed), () => undefined],
    ['stockId', maybeCode(mine?.stockId), ({ stockId }) => maybeCode(stockId)],
    ['transaction', undefined, ({ transaction }) => maybeCode(transaction)],
    ['closeReason', undefined, ({ closeReason }) => closeReason],
    ['failure', undefined, ({ failure }) => failure && renderFailure(failure)],
    ['source', undefined, ({ source }) => source && (words.saidSources[source] ?? source)],
    ['occurredAt', time(mine?.asOf), ({ occurredAt }) => time(occurredAt)],
    ['receivedAt', undefined, ({ receivedAt }) => time(receivedAt)],
    ['outcome', undefined, (side) => renderOutcome(side)],
  ]
}

type Payee = { accountNumber?: string; openid?: string; name?: string; erased?: true }

function renderStatus(side: SideResource): Part {
  if (side.gone) return words.intent.saidGone
  if (side.erased) return words.intent.saidErased
  if (side.notReadable !== undefined) return words.intent.saidNotReadable(side.notReadable)
  return side.status !== undefined && badge(side.status)
}

function renderOutcome({ outcome }: SideResource): Part {
  return outcome !== undefined && ((words.outcomes as Record<string, string>)[outcome] ?? outcome)
}

function renderFailure({ code: known, reason }: NonNullable<SideResource['failure']>): SafeHtml {
  return html`${words.failures[known]}${reason !== undefined && html` (${reason})`}`
}

function maybeCode(text: string | undefined): Part {
  return text !== undefined && code(text)
}

function isPresent(part: Part): boolean {
  return part !== undefined && part !== false && part !== null && part !== ''
}
