/** Bars as plain SVG, made on the server. What they show stands in the label too, for who does not see them. */
import { html, type SafeHtml } from './html.ts'

export interface Bar {
  label: string
  /** One bar for each series. */
  values: readonly number[]
}

export interface PlotOptions {
  caption: string
  series: readonly string[]
  bars: readonly Bar[]
}

const width = 480
const height = 150
const top = 16
const bottom = 22

export function plotBars({ caption, series, bars }: PlotOptions): SafeHtml {
  const most = Math.max(1, ...bars.flatMap(({ values }) => values))
  const slot = width / Math.max(1, bars.length)
  const room = height - top - bottom
  const drawn = bars.map(({ values, label }, i) => renderBar({ values, label }, { i, slot, most, room }))
  const said = bars.map(({ label, values }) => `${label}: ${values.join(' / ')}`).join('; ')
  return html`<figure class="plot"><figcaption>${caption}${series.length > 1 && html` <span class="legend">${series.map((name, i) => html`<span class="key series-${i}">${name}</span> `)}</span>`}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${caption}. ${said}">${drawn}<line class="axis" x1="0" x2="${width}" y1="${height - bottom}" y2="${height - bottom}"/></svg></figure>`
}

function renderBar(
  { values, label }: Bar,
  { i, slot, most, room }: { i: number; slot: number; most: number; room: number },
): SafeHtml {
  const wide = (slot * 0.72) / Math.max(1, values.length)
  const left = i * slot + slot * 0.14
  const rects = values.map((value, n) => {
    const high = value === 0 ? 0 : Math.max(2, (value / most) * room)
    const x = left + n * wide
    const y = height - bottom - high
    return html`<rect class="series-${n}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(wide * 0.94).toFixed(1)}" height="${high.toFixed(1)}"/>${values.length === 1 && value > 0 && html`<text x="${(x + wide / 2).toFixed(1)}" y="${(y - 4).toFixed(1)}" text-anchor="middle">${value}</text>`}`
  })
  return html`${rects}<text x="${(left + slot * 0.36).toFixed(1)}" y="${height - 6}" text-anchor="middle">${label}</text>`
}
