/** How far a batch has come: a bar of its transfers by state, and the same in words. */
import { type BatchTotals, countFinal } from '../../../domain/batch.ts'
import { transferStates } from '../../../domain/transfer.ts'
import { presentMoney } from '../../../events/shared-resource.ts'
import { html, type SafeHtml } from './html.ts'
import { badge, count, money, table } from './parts.ts'
import { words } from './words.ts'

const width = 1000

export function renderProgress(totals: BatchTotals, all: number, currency: string): SafeHtml {
  const present = transferStates.filter((state) => totals[state].count > 0)
  let at = 0
  const bars = present.map((state) => {
    const share = all === 0 ? 0 : (totals[state].count / all) * width
    const bar = html`<rect class="state-${state}" x="${at.toFixed(1)}" y="0" width="${share.toFixed(1)}" height="20"/>`
    at += share
    return bar
  })
  const said = words.intent.progressOf(countFinal(totals), all)
  return html`<figure class="progress"><svg viewBox="0 0 ${width} 20" preserveAspectRatio="none" role="img" aria-label="${said}"><rect class="rest" x="0" y="0" width="${width}" height="20"/>${bars}</svg><figcaption>${said}</figcaption></figure>
${table({
  caption: words.intent.progress,
  columns: [
    { text: words.fields.state ?? '' },
    { text: words.fields.count ?? '', figures: true },
    { text: words.fields.amount ?? '', figures: true },
  ],
  rows: present.map((state) => [
    badge(state),
    count(totals[state].count),
    money(presentMoney({ minor: totals[state].minor, currency })),
  ]),
  empty: words.intent.noTransfers,
})}`
}
