/** Who events are pushed to, how each endpoint fares, and what was tried. Never a secret. */

import { readSubjectId } from '../../../../domain/ids.ts'
import type { Subscription } from '../../../../domain/subscription.ts'
import { deliveryStatuses } from '../../../../store/find-delivery.ts'
import type { Subscriptions } from '../../../../store/subscriptions.ts'
import type { SubscriptionFigures } from '../../../../telemetry/delivery-metrics.ts'
import { type ListDeliveriesDeps, listDeliveries } from '../../../api/deliveries.ts'
import type { DeliveryResource } from '../../../api/delivery-present.ts'
import { findSubscription } from '../../../api/find-subscription.ts'
import {
  type EndpointHealth,
  type ShownSubscription,
  showSubscription,
} from '../../../api/subscription-present.ts'
import type { Context, Page } from '../context.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { badge, code, count, definitions, duration, link, nextPage, section, table, time } from '../parts.ts'
import { pathOfCase, pathOfIntent, pathOfSubscription, withQuery } from '../paths.ts'
import { words } from '../words.ts'

export interface SubscriptionPageDeps {
  subscriptions: Pick<Subscriptions, 'list' | 'find'>
  healthOf(subscription: Subscription): Promise<EndpointHealth | undefined>
  deliveries: ListDeliveriesDeps
  subscriptionFigures(): Promise<SubscriptionFigures[]>
}

const shown = 50

export function createSubscriptionList({
  subscriptions,
  healthOf,
  subscriptionFigures,
}: SubscriptionPageDeps) {
  return async ({ now }: Context): Promise<Page> => {
    const [all, figures] = await Promise.all([subscriptions.list(), subscriptionFigures()])
    const rows = await Promise.all(
      all.map(async (one) => {
        const figure = figures.find(({ subscription }) => subscription === one.id)
        return subscriptionRow(showSubscription(one, await healthOf(one), now), figure)
      }),
    )
    const { subscriptions: said, overview, fields, deliveries } = words
    return {
      title: said.title,
      current: 'subscriptions',
      body: html`<section>${table({
        caption: said.title,
        columns: [
          { text: said.url },
          { text: said.description },
          { text: fields.health ?? '' },
          { text: deliveries.delivered, figures: true },
          { text: deliveries.failed, figures: true },
          { text: deliveries.skipped, figures: true },
          { text: overview.waitingIntents, figures: true },
          { text: overview.lag, figures: true },
        ],
        rows,
        empty: said.empty,
      })}</section>`,
    }
  }
}

function subscriptionRow(one: ShownSubscription, figure: SubscriptionFigures | undefined): Part[] {
  const { delivered = 0, failed = 0, skipped = 0 } = figure?.outcomes ?? {}
  return [
    link(pathOfSubscription(one.id), hideQuery(one.url)),
    one.description,
    renderHealth(one),
    count(delivered),
    count(failed),
    count(skipped),
    count(figure?.waiting ?? 0),
    figure && figure.lagMs > 0 ? duration(figure.lagMs) : '–',
  ]
}

/** What stands behind the question mark may be a credential. */
function hideQuery(text: string): string {
  const at = text.indexOf('?')
  return at < 0 ? text : `${text.slice(0, at)}?…`
}

function renderHealth({ enabled, health }: ShownSubscription): SafeHtml {
  const { subscriptions } = words
  if (!enabled) return badge('disabled', subscriptions.disabled)
  if (!health) return badge('nothing', subscriptions.nothingYet)
  return badge(health.state === 'ok' ? 'ok' : 'failing', subscriptions.healths[health.state])
}

export function createSubscriptionPage({ subscriptions, healthOf, deliveries }: SubscriptionPageDeps) {
  return async ({ param, query, now }: Context): Promise<Page> => {
    const found = await findSubscription(subscriptions, param('id'))
    const one = showSubscription(found, await healthOf(found), now)
    const status = deliveryStatuses.find((each) => each === query('status'))
    const page = await listDeliveries(deliveries, found, { status, after: query('after'), limit: shown })
    const here = pathOfSubscription(found.id)
    const said = words.subscriptions
    return {
      title: one.description ?? said.one,
      current: 'subscriptions',
      body: html`${section(said.facts, renderFacts(one))}
${section(
  said.deliveries,
  renderFilters(here, status),
  table({
    caption: said.deliveries,
    columns: [
      { text: said.event },
      { text: said.subject },
      { text: words.fields.state ?? '' },
      { text: said.attempt, figures: true },
      { text: said.answer },
      { text: said.took, figures: true },
      { text: said.at },
      { text: said.nextAttempt },
    ],
    rows: page.items.map(deliveryRow),
    empty: said.noDeliveries,
  }),
  nextPage(page.next === null ? undefined : withQuery(here, { status, after: page.next })),
)}`,
    }
  }
}

function renderFacts(one: ShownSubscription): SafeHtml {
  const { health, disabled, types, accounts } = one
  const said = words.subscriptions
  const failure = health?.lastFailure
  return definitions([
    [said.url, code(hideQuery(one.url))],
    [words.fields.id ?? '', code(one.id)],
    [words.fields.health ?? '', renderHealth(one)],
    [said.failures, health && health.failures > 0 && count(health.failures)],
    [said.failingSince, health?.failingSince !== undefined && time(health.failingSince)],
    [said.openUntil, health?.openUntil !== undefined && time(health.openUntil)],
    [said.lastSuccess, health?.lastSuccessAt !== undefined && time(health.lastSuccessAt)],
    [
      said.lastFailure,
      failure &&
        html`${time(failure.at)} ${failure.status !== undefined && `${failure.status} `}${failure.error}`,
    ],
    [
      said.disabledBecause,
      disabled &&
        html`${said.because[disabled.because]}, ${time(disabled.at)}${disabled.by !== undefined && html` ${words.intent.by(disabled.by)}`}${disabled.reason !== undefined && html`: “${disabled.reason}”`}`,
    ],
    [said.types, types.length === 0 ? words.all : types.map((type) => html`${code(type)} `)],
    [said.accounts, accounts.length === 0 ? words.all : accounts.join(', ')],
    [said.missed, one.missed.length > 0 && count(one.missed.length)],
    [said.createdBy, html`${one.createdBy}, ${time(one.createdAt)}`],
  ])
}

function renderFilters(here: string, chosen: string | undefined): SafeHtml {
  const one = (text: string, status?: string) =>
    html`<li><a href="${withQuery(here, { status })}"${status === chosen && html` aria-current="true"`}>${text}</a></li>`
  return html`<ul class="filters">${one(words.all)}${deliveryStatuses.map((each) => one(words.deliveries[each], each))}</ul>`
}

function deliveryRow(one: DeliveryResource): Part[] {
  const { response, error } = one
  return [
    html`<span class="id">${one.type.replace(/^tallyhook\./, '')}</span>`,
    linkToSubject(one.subject),
    badge(one.status, words.deliveries[one.status]),
    String(one.attempt),
    html`${response && `${response.status} `}${error}${response?.excerpt !== undefined && html`<br><span class="hint">${response.excerpt}</span>`}`,
    one.latencyMs !== undefined && `${one.latencyMs} ms`,
    time(one.at),
    time(one.nextAttemptAt),
  ]
}

export function linkToSubject(id: string): Part {
  const subject = readSubjectId(id)
  if (subject === undefined) return code(id)
  const path = id.startsWith('case-')
    ? pathOfCase(id)
    : id.startsWith('su-')
      ? pathOfSubscription(id)
      : pathOfIntent(id)
  return html`<a class="id" href="${path}">${id}</a>`
}
