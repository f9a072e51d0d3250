/** How everything does, at one look. The figures are a piece of the page of their own, so that they can be drawn anew. */
import { finalTransferStates, type TransferState, transferStates } from '../../../../domain/transfer.ts'
import { presentMoney } from '../../../../events/shared-resource.ts'
import { delayClasses } from '../../../../store/delay-counts.ts'
import type { Page } from '../context.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { createReadOverview, type OverviewFigures, type OverviewFiguresDeps } from '../overview-figures.ts'
import { badge, code, count, duration, link, money, section, table, time } from '../parts.ts'
import { consolePaths, pathOfAccount, pathOfSubscription } from '../paths.ts'
import { plotBars } from '../plot.ts'
import { words } from '../words.ts'

export type OverviewDeps = OverviewFiguresDeps

export function createOverview(deps: OverviewDeps) {
  const read = createReadOverview(deps)
  return {
    page: async (): Promise<Page> => ({
      title: words.overview.title,
      current: 'overview',
      body: html`<div data-live="${consolePaths.figures}">${renderFigures(await read())}</div>`,
    }),
    figures: async (): Promise<SafeHtml> => renderFigures(await read()),
  }
}

function renderFigures(figures: OverviewFigures): SafeHtml {
  const { overview } = words
  const { steps, delays } = figures
  return html`${renderTiles(figures)}
<div class="columns">
${section(
  overview.lastHour,
  plotBars({
    caption: overview.perFiveMinutes,
    series: [overview.registered, overview.ended],
    bars: steps.map(({ from, registered, ended }, i) => ({
      label: i % 3 === 0 ? new Date(from).toISOString().slice(11, 16) : '',
      values: [registered, ended],
    })),
  }),
)}
${section(
  overview.delays,
  plotBars({
    caption: overview.delaysCaption,
    series: [overview.settled],
    bars: delayClasses.map((name) => ({
      label: name === 'more' ? overview.more : `≤ ${name}`,
      values: [delays[name]],
    })),
  }),
)}
</div>
${section(overview.accounts, renderAccounts(figures))}
${section(overview.endedHeading, html`<p class="hint">${overview.endedSince} ${time(figures.since)}</p>`, renderEnded(figures))}
<div class="columns">
${section(overview.queues, renderQueues(figures))}
${section(overview.deliveries, renderSubscriptions(figures.subscriptions))}
</div>
<p class="hint">${overview.asOf} ${time(figures.at)}</p>`
}

function renderTiles({ accounts, cases, queues, subscriptions }: OverviewFigures): SafeHtml {
  const { overview } = words
  const sum = (of: (one: OverviewFigures['accounts'][number]) => number) =>
    accounts.reduce((total, one) => total + of(one), 0)
  const jobs = (name: string) => queues.reduce((total, { counts }) => total + (counts[name] ?? 0), 0)
  const overdue = sum(({ health }) => health.pending.overdue)
  const failing = subscriptions.filter((one) => one.enabled && one.breaker !== 'closed').length
  const tile = (name: string, value: Part, worry: boolean) =>
    html`<div class="${worry && 'worry'}"><dt>${name}</dt><dd>${value}</dd></div>`
  return html`<dl class="tiles">
${tile(overview.pending, count(sum(({ health }) => health.pending.count)), false)}
${tile(overview.overdue, count(overdue), overdue > 0)}
${tile(overview.openCases, link(consolePaths.cases, `${count(cases.count)}${cases.more ? '+' : ''}`), cases.count > 0)}
${tile(overview.waitingJobs, count(jobs('waiting') + jobs('active') + jobs('delayed')), false)}
${tile(overview.failedJobs, link(consolePaths.queues, count(jobs('failed'))), jobs('failed') > 0)}
${tile(overview.failingEndpoints, link(consolePaths.subscriptions, count(failing)), failing > 0)}
</dl>`
}

const pendingStates = transferStates.filter((state) => !finalTransferStates.has(state))

function renderAccounts({ accounts }: OverviewFigures): SafeHtml {
  const { overview } = words
  return table({
    caption: overview.accounts,
    columns: [
      { text: words.fields.account ?? '' },
      { text: words.fields.health ?? '' },
      { text: overview.pending, figures: true },
      { text: overview.overdue, figures: true },
      ...pendingStates.map((state) => ({ text: words.states[state] ?? state, figures: true as const })),
      { text: overview.lastCallback },
    ],
    rows: accounts.map(({ health, pending }) => [
      link(pathOfAccount(health.account), health.account),
      renderHealth(health),
      count(health.pending.count),
      health.pending.overdue > 0 ? badge('overdue', count(health.pending.overdue)) : '0',
      ...pendingStates.map((state) =>
        renderSums(
          pending.sums.filter((one) => one.state === state),
          pending.atLeast,
        ),
      ),
      time(health.lastCallbackAt) ?? words.never,
    ]),
    empty: words.none,
  })
}

export function renderHealth({
  submissions,
  breaker,
}: OverviewFigures['accounts'][number]['health']): SafeHtml {
  const { overview } = words
  const parts = [
    submissions.paused && badge('paused', overview.paused),
    breaker?.state === 'open' && badge('open', overview.breakerOpen, 'bad'),
    breaker?.state === 'half-open' && badge('half-open', overview.breakerHalfOpen),
  ].filter((one) => one !== false && one !== undefined)
  return parts.length === 0 ? badge('ok', overview.healthy) : html`${parts.map((one) => html`${one} `)}`
}

function renderSums(sums: OverviewFigures['accounts'][number]['pending']['sums'], atLeast: boolean): Part {
  const some = sums.map(
    ({ count: number, minor, currency }) =>
      html`<span class="sum">${atLeast && '≥ '}${count(number)}<br><span class="hint">${money(presentMoney({ minor, currency }))}</span></span>`,
  )
  return some.length === 0 ? '0' : some
}

function renderEnded({ ended }: OverviewFigures): SafeHtml {
  const names = [...new Set(ended.map(({ account }) => account))]
  const states = transferStates.filter((state) => ended.some((one) => one.state === state))
  const cell = (account: string, state: TransferState) =>
    renderSums(
      ended.filter((one) => one.account === account && one.state === state),
      false,
    )
  return table({
    caption: words.overview.endedHeading,
    columns: [
      { text: words.fields.account ?? '' },
      ...states.map((state) => ({ text: words.states[state] ?? state, figures: true as const })),
    ],
    rows: names.map((account) => [
      link(pathOfAccount(account), account),
      ...states.map((state) => cell(account, state)),
    ]),
    empty: words.overview.nothingEnded,
  })
}

const shownCounts = ['waiting', 'active', 'delayed', 'failed'] as const

function renderQueues({ queues }: OverviewFigures): SafeHtml {
  return table({
    caption: words.overview.queues,
    columns: [
      { text: words.overview.queue },
      ...shownCounts.map((name) => ({ text: words.jobs[name], figures: true as const })),
    ],
    rows: queues.map(({ name, counts }) => [
      link(`${consolePaths.queues}/queue/${encodeURIComponent(name)}`, name),
      ...shownCounts.map((each) => count(counts[each] ?? 0)),
    ]),
    empty: words.none,
  })
}

function renderSubscriptions(all: OverviewFigures['subscriptions']): SafeHtml {
  const { overview } = words
  return table({
    caption: overview.deliveries,
    columns: [
      { text: overview.subscription },
      { text: words.fields.health ?? '' },
      { text: words.deliveries.delivered, figures: true },
      { text: overview.waitingIntents, figures: true },
      { text: overview.lag, figures: true },
    ],
    rows: all.map((one) => [
      link(pathOfSubscription(one.subscription), one.description ?? code(one.subscription)),
      one.enabled
        ? badge(one.breaker === 'closed' ? 'ok' : 'failing', words.breakers[one.breaker])
        : badge('disabled', words.subscriptions.disabled),
      count(one.outcomes.delivered ?? 0),
      count(one.waiting),
      one.lagMs === 0 ? '–' : duration(one.lagMs),
    ]),
    empty: words.subscriptions.empty,
  })
}
