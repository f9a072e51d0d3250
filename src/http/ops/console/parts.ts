/** The small pieces that pages are put together from. */
import { formatTime } from '../../../domain/time.ts'
import type { MoneyResource } from '../../../events/shared-resource.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { words } from './words.ts'

/** To the second and in UTC, as everywhere in the API; whole where a pointer rests on it. */
export function time(at: number | string | undefined | null): Part {
  if (at === undefined || at === null) return undefined
  const text = typeof at === 'number' ? formatTime(at) : at
  return html`<time datetime="${text}" title="${text}">${text.slice(0, 19).replace('T', ' ')}</time>`
}

/** In groups of three, with spaces that do not break. */
export function money(amount: MoneyResource | undefined): Part {
  if (!amount) return undefined
  const [whole = '', rest] = amount.value.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return html`<span class="money">${grouped}${rest !== undefined && `.${rest}`} ${amount.currency}</span>`
}

export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** In its largest unit, as `3 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const { units } = words
  if (seconds < 60) return `${seconds} ${units.seconds}`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${units.minutes}`
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} ${units.hours}`
  return `${Math.floor(seconds / 86_400)} ${units.days}`
}

export type Tone = 'good' | 'bad' | 'busy' | 'calm'

const tones: Record<string, Tone> = {
  succeeded: 'good',
  granted: 'good',
  completed: 'good',
  finished: 'good',
  delivered: 'good',
  applied: 'good',
  resolved: 'good',
  ok: 'good',
  enabled: 'good',
  failed: 'bad',
  returned: 'bad',
  held: 'bad',
  open: 'bad',
  overdue: 'bad',
  skipped: 'bad',
  failing: 'bad',
  refused: 'bad',
  disabled: 'bad',
  submitted: 'busy',
  processing: 'busy',
  accepted: 'busy',
  waiting: 'busy',
  paused: 'busy',
  'half-open': 'busy',
  'awaits-person': 'busy',
}

/** A word with a colour; the colour says nothing that the word does not. */
export function badge(state: string, text: string = words.states[state] ?? state, tone?: Tone): SafeHtml {
  return html`<span class="badge ${tone ?? tones[state] ?? 'calm'}">${text}</span>`
}

export function link(path: string, text: Part): SafeHtml {
  return html`<a href="${path}">${text}</a>`
}

export function code(text: string): SafeHtml {
  return html`<code>${text}</code>`
}

/** Terms and what they are; what is missing is left out. */
export function definitions(entries: readonly (readonly [term: string, value: Part])[]): SafeHtml {
  const present = entries.filter(([, value]) => value !== undefined && value !== false && value !== null)
  return html`<dl>${present.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`
}

export interface Column {
  text: string
  /** Figures stand at the right. */
  figures?: true
}

export interface TableOptions {
  /** What it is called; heard, and seen where no heading says so. */
  caption: string
  columns: readonly Column[]
  rows: readonly (readonly Part[])[]
  /** Instead of a table without rows. */
  empty: string
}

/** It scrolls by itself where the window is narrow, by keyboard too. The first cell of a row is its name. */
export function table({ caption, columns, rows, empty }: TableOptions): SafeHtml {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  const classOf = (i: number) => (columns[i]?.figures ? 'figures' : '')
  const cell = (part: Part, i: number) =>
    i === 0
      ? html`<th scope="row" class="${classOf(i)}">${part}</th>`
      : html`<td class="${classOf(i)}">${part}</td>`
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<thead><tr>${columns.map(({ text }, i) => html`<th scope="col" class="${classOf(i)}">${text}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>${row.map(cell)}</tr>
`,
  )}</tbody></table></div>`
}

export function section(heading: string, ...content: Part[]): SafeHtml {
  return html`<section><h2>${heading}</h2>${content}</section>`
}

/** Where the next page begins, if there is one. */
export function nextPage(path: string | undefined): Part {
  return path !== undefined && html`<p class="next">${link(path, words.next)}</p>`
}
