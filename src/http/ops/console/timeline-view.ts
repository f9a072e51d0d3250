/** An intent's timeline as a list: what was said, what was concluded of it, who has to decide, each with its reason. */
import type { Intent } from '../../../domain/intent.ts'
import { presentMoney } from '../../../events/shared-resource.ts'
import type { Timeline, TimelineItem } from '../../../workers/timeline.ts'
import { findDifferences } from '../../api/side-differences.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { badge, code, link, money, time } from './parts.ts'
import { pathOfCase, pathOfReceipt, pathOfSubscription } from './paths.ts'
import { words } from './words.ts'

type Item<Kind extends TimelineItem['kind']> = Extract<TimelineItem, { kind: Kind }>

export function renderTimeline({ intent, items, missing }: Timeline): SafeHtml {
  const { events, receipts } = missing
  return html`${events + receipts > 0 && html`<p class="hint">${words.intent.missing(events, receipts)}</p>`}
<ol class="timeline">${items.map(
    (
      item,
    ) => html`<li class="${classOf(item)}"><p class="when">${time(item.at)}</p><div class="what">${renderItem(item, intent)}</div></li>
`,
  )}</ol>`
}

function classOf(item: TimelineItem): string {
  if (item.kind === 'event') return `event ${item.event.fact.name}`
  return item.kind
}

function renderItem(item: TimelineItem, intent: Intent): SafeHtml {
  switch (item.kind) {
    case 'event':
      return renderEvent(item)
    case 'receipt':
      return renderReceipt(item, intent)
    case 'case':
      return renderCase(item)
    case 'delivery':
      return renderDelivery(item)
  }
}

function renderEvent({ event }: Item<'event'>): SafeHtml {
  const { fact, because, intent } = event
  const { from, to } = fact.change
  const moved = from !== null && from.state !== to.state
  return html`<p><strong>${words.facts[fact.name]}</strong> <span class="number">#${fact.sequence}</span>${moved && html` ${badge(from.state)} → ${badge(to.state)}`}</p>
${fact.name === 'held' && intent.hold && html`<p>${words.holds[intent.hold.reason]}</p>`}
${fact.name === 'failed' && renderFailure(intent)}
<p class="why">${words.intent.because(words.sources[because.source])}${because.by !== undefined && html` ${words.intent.by(because.by)}`}${because.receipt && html` ${toReceipt(because.receipt)}`}${because.reason !== undefined && fact.name !== 'held' && html`: “${because.reason}”`}${because.warnings?.map((warning) => html` (${words.warnings[warning]})`)}</p>`
}

function renderFailure(intent: Intent): Part {
  if (!('failure' in intent) || !intent.failure) return undefined
  const { code: failure, reason } = intent.failure
  return html`<p>${words.failures[failure]}${reason !== undefined && html` (${reason})`}</p>`
}

function renderReceipt({ record, side }: Item<'receipt'>, intent: Intent): SafeHtml {
  const { asked, outcome, id, unverified } = record
  return html`<p><strong>${words.saidSources[asked?.source ?? 'callback']}</strong> ${toReceipt(id)} ${badge(outcome, words.outcomes[outcome])}${unverified && html` ${badge('unverified', words.intent.unverified, 'bad')}`}</p>
${asked && html`<p>${words.intent.call(asked.call, asked.status)}${asked.again && html`; ${words.intent.again}`}</p>`}
${renderSaid(side, intent)}`
}

/** The gist of it: no name, and no number of an account. */
function renderSaid(side: Item<'receipt'>['side'], intent: Intent): Part {
  if (side.outcome === 'gone') return html`<p>${words.intent.saidGone}</p>`
  if (side.outcome === 'erased') return html`<p>${words.intent.saidErased}</p>`
  if (side.outcome === 'not-readable') return html`<p>${words.intent.saidNotReadable(side.because)}</p>`
  const { observation } = side
  const fields = { ...observation } as {
    status?: string
    amount?: { minor: bigint; currency: string }
    failure?: { code: keyof typeof words.failures; reason?: string }
    providerReference?: string
  }
  const { status, amount, failure, providerReference } = fields
  const said: Part[] = [
    status !== undefined && badge(status),
    amount && money(presentMoney(amount)),
    providerReference !== undefined && code(providerReference),
    failure &&
      html`${words.failures[failure.code]}${failure.reason !== undefined && html` (${failure.reason})`}`,
  ]
  const present = said.filter((one) => one !== undefined && one !== false)
  const differences = findDifferences(intent, observation).map((field) => words.fields[field] ?? field)
  return html`${present.length > 0 && html`<p>${words.intent.said}: ${present.map((one, i) => html`${i > 0 && ', '}${one}`)}</p>`}
${differences.length > 0 && side.record.outcome !== 'applied' && html`<p class="differs">${words.intent.differsIn(differences.join(', '))}</p>`}`
}

function renderCase({ case: one }: Item<'case'>): SafeHtml {
  return html`<p><strong>${words.intent.caseOpened}</strong> ${link(pathOfCase(one.id), one.id)} ${badge(one.state)}</p>
<p>${describeCase(one)}</p>
${one.state === 'resolved' && one.resolution === 'by-person' && html`<p class="why">${words.intent.caseResolved} ${time(one.resolvedAt)} ${words.intent.by(one.resolvedBy)}${one.action && html`, ${words.cases.actions[one.action]}`}: “${one.resolvedBecause}”</p>`}`
}

function renderDelivery({ subscription, note }: Item<'delivery'>): SafeHtml {
  const { type, outcome, number, attempt } = note
  const { status, error } = attempt ?? {}
  return html`<p><strong>${words.intent.delivery}</strong> ${code(type.replace(/^tallyhook\./, ''))} ${words.intent.to} <a class="id" href="${pathOfSubscription(subscription)}">${subscription}</a> ${badge(outcome, words.deliveries[outcome])}</p>
<p class="why">${number > 0 && words.intent.attempt(number)}${status !== undefined && html`, ${status}`}${error !== undefined && html`, ${error}`}</p>`
}

/** In our own words where the code has some. */
export function describeCase({ code: known, reason }: { code: string; reason: string }): string {
  return (words.holds as Record<string, string>)[known] ?? words.cases.codes[known] ?? reason
}

export function toReceipt(id: string): SafeHtml {
  return html`<a class="id" href="${pathOfReceipt(id)}">${id}</a>`
}
