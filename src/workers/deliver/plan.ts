/**
 * A page of the log: what of it goes out, and, when that was tried, how far the cursor moves and who steps aside. Pure.
 *
 * The cursor moves to the last event that was tried, or to the end. What it passes and was not delivered stands in a line
 * then, so that nothing is lost and nothing that was taken is sent again; what is behind it stays in the log. So an endpoint
 * that takes nothing gathers no lines but for what was under way when its breaker opened.
 */
import type { DeliveryNote } from '../../domain/delivery.ts'
import type { RunId } from '../../domain/ids.ts'
import type { Line, LineEvent, Subject } from '../../domain/line.ts'
import type { PublishedEvent } from '../../events/published.ts'
import type { RetryTerms } from './retry-times.ts'
import { type Progress, queueUp, settleLine } from './settle-line.ts'

/** Events of one subject, which go out one after another. */
export interface Chain {
  subject: Subject
  items: readonly PublishedEvent[]
}

export interface PagePlan {
  events: readonly PublishedEvent[]
  /** In the order of the first of each. */
  chains: Chain[]
  /** Of subjects that have a line: they queue up behind it. */
  queued: Chain[]
}

export function planPage(
  events: readonly PublishedEvent[],
  isWanted: (event: PublishedEvent) => boolean,
  hasLine: (subject: Subject) => boolean,
): PagePlan {
  const bySubject = new Map<Subject, PublishedEvent[]>()
  for (const event of events) {
    if (!isWanted(event)) continue
    const known = bySubject.get(event.subject)
    if (known) known.push(event)
    else bySubject.set(event.subject, [event])
  }
  const all = [...bySubject].map(([subject, items]) => ({ subject, items }))
  return {
    events,
    chains: all.filter(({ subject }) => !hasLine(subject)),
    queued: all.filter(({ subject }) => hasLine(subject)),
  }
}

export interface PageTerms extends RetryTerms {
  run: RunId
  now: number
  heldUntil?: number | undefined
}

export interface SettledPage {
  /** Where the cursor goes; missing: it stays, and nothing is written. */
  position: string | undefined
  /** All of the page was dealt with. */
  whole: boolean
  lines: { subject: Subject; after: Line }[]
  notes: DeliveryNote[]
}

/** `lines`: those that there are now, of subjects of this page. */
export function settlePage(
  { events, chains, queued }: PagePlan,
  progressOf: (chain: Chain) => Progress,
  lines: ReadonlyMap<Subject, Line>,
  terms: PageTerms,
): SettledPage {
  const places = new Map(events.map(({ position }, i) => [position, i]))
  const placeOf = (event: PublishedEvent | undefined) => (event && places.get(event.position)) ?? -1
  const progress = chains.map(progressOf)
  const tried = Math.max(-1, ...chains.map((chain, i) => placeOf(lastTried(chain, progress[i] as Progress))))
  const held = Math.min(
    events.length,
    ...chains.flatMap((chain, i) => {
      const first = firstHeld(chain, progress[i] as Progress)
      return first ? [placeOf(first)] : []
    }),
  )
  const cut = held === events.length ? events.length - 1 : Math.max(tried, held - 1)
  const isPassed = (event: PublishedEvent) => placeOf(event) <= cut

  const settled: SettledPage = {
    position: events[cut]?.position,
    whole: cut === events.length - 1,
    lines: [],
    notes: [],
  }
  for (const [i, chain] of chains.entries()) {
    settleChain(settled, chain.subject, chain.items.filter(isPassed), progress[i] as Progress)
  }
  for (const { subject, items } of queued) {
    const passed = items.filter(isPassed)
    if (passed.length === 0) continue
    settled.lines.push({
      subject,
      after: queueUp(lines.get(subject), passed.map(toLineEvent), terms.now),
    })
  }
  return settled

  function settleChain(into: SettledPage, subject: Subject, items: PublishedEvent[], how: Progress): void {
    if (items.length === 0) return
    const line: Line = { events: items.map(toLineEvent), attempts: 0, nextAt: terms.now }
    const { after, notes } = settleLine(line, how, { ...terms, subject })
    into.notes.push(...notes)
    if (!after) return
    const before = lines.get(subject)
    into.lines.push({ subject, after: before ? queueUp(before, after.events, terms.now) : after })
  }
}

function lastTried({ items }: Chain, { taken, end }: Progress): PublishedEvent | undefined {
  return items[end.end === 'held' ? taken.length - 1 : taken.length]
}

/** What stands behind one that failed is not held: it steps aside with it. */
function firstHeld({ items }: Chain, { taken, end }: Progress): PublishedEvent | undefined {
  return end.end === 'held' ? items[taken.length] : undefined
}

export function toLineEvent({ position, id, type }: PublishedEvent): LineEvent {
  return { position, id, type }
}
