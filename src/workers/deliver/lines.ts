/**
 * Sends what has stepped aside. Before anything of a line is sent, the line is marked as under way, until after the longest
 * request: so nobody else sends of it meanwhile, in whatever process, also where this one dies; and the turn need not wait
 * for it. What became of it is written by whoever sent it, compared with the line as it was read.
 */
import type { Attempt } from '../../domain/delivery.ts'
import type { Line, Subject } from '../../domain/line.ts'
import type { PublishedEvent } from '../../events/published.ts'
import { encodeLine } from '../../store/run-write.ts'
import type { KeptLine } from '../../store/runs.ts'
import { type DeliverDeps, fieldsOf, type Leave, logNotes, marginMs, type Walk } from './deps.ts'
import { insist } from './insist.ts'
import type { Offer, Offered } from './offer.ts'
import { endOf } from './run-chain.ts'
import { type Progress, settleLine } from './settle-line.ts'

export interface Lines {
  /** Marks these as under way and sends them, without being waited for. False where another was quicker with one of them. */
  start(walk: Walk, lines: readonly KeptLine[]): Promise<boolean>
  /** Of a line that was marked already: what is sent of it comes to an end by itself. */
  adopt(walk: Walk, subject: Subject, line: Line, current: Promise<Offered>): void
  isBusy(walk: Walk, subject: Subject): boolean
  /** All that was started has ended. */
  idle(): Promise<void>
}

/** Events of a line that are written down together. */
const atOnce = 16

interface Held {
  subject: Subject
  text: string
  line: Line
}

export function createLines(deps: DeliverDeps & { offer: Offer; leave: Leave }): Lines {
  const { runs, desk, offer, leave, clock, random, terms, logger } = deps
  const busy = new Map<string, Promise<void>>()
  const nameOf = ({ place }: Walk, subject: Subject) => `${place.run} ${place.partition} ${subject}`

  const markOf = (line: Line): Line => ({
    ...line,
    nextAt: clock() + terms.timeoutMs + marginMs,
    underWay: true,
  })

  /** Longer than a request takes. */
  const isCovered = ({ line }: Held) =>
    line.underWay === true && line.nextAt >= clock() + terms.timeoutMs + marginMs / 5

  /** Undefined where it is not as it was any more: somebody else has it. */
  async function mark(walk: Walk, held: Held): Promise<Held | undefined> {
    for (let now: Held | undefined = held; now; now = await reread(walk, held)) {
      // What queued up behind it leaves the time as it is; who took it over has set another.
      if (now.line.nextAt !== held.line.nextAt) return undefined
      const line = markOf(now.line)
      const text = encodeLine(line)
      const commit = commitOf(walk, { subject: now.subject, text: now.text, after: line })
      if (await runs.commitLines(walk.place, commit)) return { ...now, line, text }
    }
    return undefined
  }

  /** As it is now, where its head is still what was in hand. */
  async function reread(walk: Walk, { subject, line }: Held): Promise<Held | undefined> {
    const [found] = await runs.findLines(walk.place, [subject])
    return found?.line.events[0]?.position === line.events[0]?.position ? found : undefined
  }

  function commitOf(walk: Walk, line: { subject: Subject; text: string; after: Line | undefined }) {
    return { subscription: walk.target.subscription, lines: [line], notes: [], at: clock() }
  }

  async function work(walk: Walk, first: Held, current?: Promise<Offered>): Promise<void> {
    let held: Held | undefined = first
    let underWay = current
    while (held) {
      const { held: now, progress, goneUrl, isTaken } = await sendSome(walk, held, underWay)
      // Somebody else has the line by now, and it was not touched here.
      if (isTaken) return
      underWay = undefined
      held = await settle(walk, now, progress)
      if (goneUrl) await deps.onGone(walk.target.subscription, walk.place.run, goneUrl)
    }
  }

  /** The first of its events, until one is not taken. */
  async function sendSome(walk: Walk, start: Held, current?: Promise<Offered>) {
    let held = start
    const taken: Attempt[] = []
    const stop = (end: Progress['end'], goneUrl?: string) => ({
      held,
      progress: { taken, end },
      goneUrl,
      isTaken: false,
    })
    const events = start.line.events.slice(0, atOnce)
    let known: Map<string, PublishedEvent> | undefined
    for (const [i, { position }] of events.entries()) {
      let sent: Offered
      if (i === 0 && current !== undefined) sent = await current
      else {
        if (!isCovered(held)) {
          // What was taken is written down first: it must not be in a line that somebody else may have meanwhile.
          if (taken.length > 0) return stop({ end: 'held' })
          const marked = await mark(walk, held)
          if (!marked) return { ...stop({ end: 'held' }), isTaken: true }
          held = marked
        }
        const left = events.slice(i).map((one) => one.position)
        known ??= await deps.readEvents(walk.place.partition, left)
        const event = known.get(position)
        if (!event) return stop({ end: 'missing' })
        const marked = held
        // Whoever waited long for a slot looks again whether the mark lasts until the end of the request.
        const maySend = () => leave.maySend() && isCovered(marked)
        sent = await offer(walk.target, event, { ...leave, maySend })
      }
      if (sent.outcome !== 'taken') {
        return stop(endOf(sent), sent.outcome === 'failed' ? sent.goneUrl : undefined)
      }
      taken.push(sent.attempt)
    }
    return stop({ end: 'held' })
  }

  /** Says what is to be gone on with at once. */
  async function settle(walk: Walk, start: Held, progress: Progress): Promise<Held | undefined> {
    const { subject } = start
    for (let held: Held | undefined = start; held; held = await reread(walk, start)) {
      const now = clock()
      const { run } = walk.place
      const heldUntil = desk.openUntil(walk.target.subscription)
      const settled = settleLine(held.line, progress, { ...terms, run, subject, now, random, heldUntil })
      const { after, notes } = settled
      const commit = { ...commitOf(walk, { subject, text: held.text, after }), notes }
      if (!(await insist(() => runs.commitLines(walk.place, commit), leave.signal))) continue
      logNotes(logger, walk, notes, after?.nextAt)
      const goesOn = after && notes.length > 0 && after.nextAt <= now && leave.maySend()
      return goesOn ? { subject, text: encodeLine(after), line: after } : undefined
    }
    return undefined
  }

  function begin(walk: Walk, held: Held, current?: Promise<Offered>): void {
    const name = nameOf(walk, held.subject)
    const working = work(walk, held, current)
      .catch((error) =>
        logger.warn('delivery.line-left', { ...fieldsOf(walk), subject: held.subject, error }),
      )
      .finally(() => {
        busy.delete(name)
        // It may have been the last that a replay waited for.
        if (walk.until !== undefined) deps.wake(walk)
      })
    busy.set(name, working)
  }

  return {
    async start(walk, lines) {
      if (lines.length === 0) return true
      const marked = lines.map(({ subject, text, line }) => ({ subject, text, after: markOf(line) }))
      const { subscription } = walk.target
      const commit = { subscription, lines: marked, notes: [], at: clock() }
      if (!(await runs.commitLines(walk.place, commit))) return false
      for (const { subject, after } of marked) begin(walk, { subject, text: encodeLine(after), line: after })
      return true
    },
    adopt: (walk, subject, line, current) => begin(walk, { subject, text: encodeLine(line), line }, current),
    isBusy: (walk, subject) => busy.has(nameOf(walk, subject)),
    async idle() {
      while (busy.size > 0) await Promise.all(busy.values())
    },
  }
}
