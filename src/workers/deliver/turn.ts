/**
 * One turn: walks a run along the log of one partition, page by page, until its end or until others are to have a turn. Who
 * has a turn claims the cursor before anything is sent, so of two who believe to have it only one can write what came of
 * it. What remains possible is a request that was on its way already when another process took over: then an event
 * comes twice, and never one before an earlier one of its subject that had not come yet.
 */
import { AppError } from '../../domain/errors.ts'
import type { Line, Subject } from '../../domain/line.ts'
import { comparePositions } from '../../events/position.ts'
import type { PublishedEvent } from '../../events/published.ts'
import type { Cursor } from '../../store/run-write.ts'
import type { DeliverDeps, Leave, Walk } from './deps.ts'
import { fieldsOf, logNotes, marginMs } from './deps.ts'
import { insist } from './insist.ts'
import type { Lines } from './lines.ts'
import type { Offer } from './offer.ts'
import { type PagePlan, planPage, settlePage } from './plan.ts'
import { progressOf, type RunningChain, runChain } from './run-chain.ts'

export type TurnOutcome =
  /** All that there is was dealt with, but for what waits in lines. */
  | { outcome: 'at-end'; position: string; lines: boolean }
  /** There may be more. */
  | { outcome: 'more'; position: string }
  /** The breaker is open. */
  | { outcome: 'open' }
  /** Somebody else has the run, or it is no more, or what is to be sent was changed. */
  | { outcome: 'lost' }
  | { outcome: 'stopped' }

export interface TurnCounts {
  events: number
  delivered: number
  pages: number
}

export type TakeTurn = (walk: Walk, leave: Leave) => Promise<TurnOutcome & { counts: TurnCounts }>

const linesAtOnce = 64

interface Turn {
  walk: Walk
  leave: Leave
  cursor: Cursor | undefined
  /** How far it was looked; what was not wanted need not be written at once. */
  position: string
  claimed: boolean
  /** There may be lines. */
  lines: boolean
  counts: TurnCounts
}

export function createTurn(deps: DeliverDeps & { offer: Offer; lines: Lines }): TakeTurn {
  const { runs, desk, slotsOf, offer, lines, terms, clock, random, logger } = deps

  /** False where somebody else was quicker. */
  async function claim(turn: Turn): Promise<boolean> {
    if (turn.claimed) return true
    const { place, from: position, target } = turn.walk
    const { subscription } = target
    turn.cursor = await runs.claim(place, turn.cursor, { position, subscription })
    turn.claimed = turn.cursor !== undefined
    return turn.claimed
  }

  async function read({ walk, leave: _, ...turn }: Turn): Promise<PublishedEvent[]> {
    const { until, place } = walk
    const { position } = turn
    if (until !== undefined && comparePositions(position, until) >= 0) return []
    const events = await deps.log.readAfter(place.partition, position, terms.pageMax)
    if (until === undefined) return events
    return events.filter((event) => comparePositions(event.position, until) <= 0)
  }

  /** Where the log does not go through the cursor any more it goes on where it can, and says so. */
  async function readOn(turn: Turn): Promise<PublishedEvent[]> {
    try {
      return await read(turn)
    } catch (error) {
      if (!isGap(error)) throw error
      const { walk, position: from } = turn
      const until = await deps.log.standing(walk.place.partition, from)
      logger.warn('delivery.log-gap', { ...fieldsOf(walk), code: error.code, from, until })
      if (!(await claim(turn))) return []
      // Before it is passed: noted twice it does no harm, and not at all it would be lost in silence.
      await deps.noteMissed(walk, { from, until })
      if (!(await moveTo(turn, until))) return []
      return read(turn)
    }
  }

  /** Nothing but the cursor. */
  async function moveTo(turn: Turn, position: string): Promise<boolean> {
    if (!(await claim(turn)) || !turn.cursor) return false
    const { place, target } = turn.walk
    const page = { subscription: target.subscription, lines: [], notes: [], at: clock() }
    const done = await runs.commitPage(place, turn.cursor, position, page)
    if (done.outcome !== 'written') return false
    turn.cursor = done.cursor
    turn.position = position
    return true
  }

  /** What is due, as far as there is room; whether something was begun. */
  async function startLines(turn: Turn, halfOpen: boolean): Promise<boolean> {
    const { walk } = turn
    if (!turn.lines) return false
    const room = Math.min(linesAtOnce, slotsOf(walk.target.subscription).free(), halfOpen ? 1 : linesAtOnce)
    if (room <= 0) return false
    const { due, lines: count } = await runs.read(walk.place, clock(), room)
    turn.lines = count > 0
    const idle = due.filter(({ subject }) => !lines.isBusy(walk, subject))
    if (idle.length === 0 || !(await claim(turn))) return false
    return lines.start(walk, idle)
  }

  async function linesOf(turn: Turn, subjects: readonly Subject[]) {
    if (!turn.lines) return new Map<Subject, { line: Line; text: string }>()
    const found = await runs.findLines(turn.walk.place, subjects)
    return new Map(found.map(({ subject, line, text }) => [subject, { line, text }]))
  }

  async function deliver(turn: Turn, events: readonly PublishedEvent[]): Promise<'on' | 'lost' | 'held'> {
    const { walk, leave } = turn
    const wanted = [...new Set(events.filter(walk.isWanted).map(({ subject }) => subject))]
    const known = await linesOf(turn, wanted)
    const plan = planPage(events, walk.isWanted, (subject) => known.has(subject))
    if (!(await claim(turn))) return 'lost'
    const running = await sendAll(plan, walk, leave)
    return commit(turn, plan, running)
  }

  /** Waits until each chain has ended; or all but those whose request takes long, which are let go of. */
  async function sendAll({ chains }: PagePlan, walk: Walk, leave: Leave): Promise<RunningChain[]> {
    const slots = slotsOf(walk.target.subscription)
    const isLate = ({ end, sentAt }: RunningChain) => {
      const patienceMs = Math.max(terms.patienceMs, Math.min(slots.usualMs() * 3, terms.timeoutMs))
      return end !== undefined || (sentAt !== undefined && clock() - sentAt >= patienceMs)
    }
    return new Promise((resolve) => {
      let left = chains.length
      const finish = () => {
        clearInterval(timer)
        for (const one of running) one.letGo = one.end === undefined
        resolve(running)
      }
      const onEnd = () => --left === 0 && finish()
      const timer = setInterval(() => running.every(isLate) && finish(), terms.patienceMs / 4)
      const running = chains.map((chain) =>
        runChain(chain, { offer, target: walk.target, leave, clock, onEnd }),
      )
      if (left === 0) finish()
    })
  }

  async function commit(
    turn: Turn,
    plan: PagePlan,
    running: readonly RunningChain[],
  ): Promise<'on' | 'lost' | 'held'> {
    const { walk, leave } = turn
    const { place, target } = walk
    const until = clock() + terms.timeoutMs + marginMs
    const byChain = new Map(running.map((one) => [one.chain, progressOf(one, until)]))
    const subjects = [...plan.chains, ...plan.queued].map(({ subject }) => subject)
    for (;;) {
      const before = await linesOf(turn, subjects)
      const now = clock()
      const heldUntil = desk.openUntil(target.subscription)
      const page = settlePage(
        plan,
        (chain) => byChain.get(chain) ?? { taken: [], end: { end: 'held' } },
        new Map([...before].map(([subject, { line }]) => [subject, line])),
        { ...terms, run: place.run, now, random, heldUntil },
      )
      if (page.position === undefined) return 'held'
      const writes = page.lines.map((one) => ({ ...one, text: before.get(one.subject)?.text ?? '' }))
      const { position, notes } = page
      const content = { subscription: target.subscription, lines: writes, notes, at: now }
      const cursor = turn.cursor as Cursor
      const done = await insist(() => runs.commitPage(place, cursor, position, content), leave.signal)
      if (done.outcome === 'lost') return 'lost'
      if (done.outcome === 'lines-changed') {
        turn.lines = true
        continue
      }
      turn.cursor = done.cursor
      turn.position = position
      turn.lines ||= writes.length > 0
      turn.counts.pages++
      turn.counts.delivered += notes.filter(({ outcome }) => outcome === 'delivered').length
      const after = new Map(page.lines.map((one) => [one.subject, one.after]))
      for (const note of notes) logNotes(logger, walk, [note], after.get(note.subject)?.nextAt)
      handOver(turn, running, after)
      const gone = running.find(({ goneUrl }) => goneUrl !== undefined)
      if (gone?.goneUrl) await deps.onGone(target.subscription, place.run, gone.goneUrl)
      return page.whole ? 'on' : 'held'
    }
  }

  /** Requests that take long come to their end by themselves. */
  function handOver(
    { walk, leave }: Turn,
    running: readonly RunningChain[],
    after: ReadonlyMap<Subject, Line>,
  ): void {
    for (const { chain, letGo, end, current } of running) {
      const line = after.get(chain.subject)
      if (!letGo || end || !current || !line?.underWay) continue
      leave.outlive?.(current)
      lines.adopt(walk, chain.subject, line, current)
    }
  }

  async function walkOn(turn: Turn): Promise<TurnOutcome> {
    const { walk, leave } = turn
    const endAt = clock() + terms.turnMs
    const { subscription } = walk.target
    for (;;) {
      if (!leave.maySend()) return { outcome: 'stopped' }
      if (!(await walk.isCurrent())) return { outcome: 'lost' }
      const state = await desk.look(subscription)
      if (state === 'open') return { outcome: 'open' }
      const begun = await startLines(turn, state === 'half-open')
      // One event tries whether the endpoint takes again; all else waits for that.
      if (begun && state === 'half-open') return { outcome: 'open' }
      const events = await readOn(turn)
      if (events.length === 0) {
        return { outcome: 'at-end', position: turn.position, lines: turn.lines }
      }
      turn.counts.events += events.length
      if (events.some(walk.isWanted)) {
        const done = await deliver(turn, events)
        if (done === 'lost') return { outcome: 'lost' }
        if (done === 'held' && desk.state(subscription) !== 'closed') return { outcome: 'open' }
      } else turn.position = events.at(-1)?.position ?? turn.position
      if (clock() >= endAt) return { outcome: 'more', position: turn.position }
    }
  }

  return async (walk, leave) => {
    const state = await runs.read(walk.place, clock(), 0)
    const position = state.cursor?.position ?? walk.from
    const turn: Turn = {
      walk,
      leave,
      cursor: state.cursor,
      position,
      claimed: false,
      lines: state.lines > 0,
      counts: { events: 0, delivered: 0, pages: 0 },
    }
    const outcome = await walkOn(turn)
    // Of a replay that has seen all it was to see.
    if (outcome.outcome === 'at-end') turn.position = walk.until ?? turn.position
    const moved = turn.position !== (turn.cursor?.position ?? walk.from)
    const lost = outcome.outcome === 'lost' || (moved && !(await moveTo(turn, turn.position)))
    // Who asked for the turn by the index has had it; but where the breaker was taken for open, which it may not be any more.
    const had = !lost && outcome.outcome !== 'open'
    if (state.dueAt !== undefined && state.dueAt <= clock() && had) await runs.reschedule(walk.place)
    return { ...(lost ? { outcome: 'lost' as const } : outcome), counts: turn.counts }
  }
}

function isGap(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'cursor-expired' || error.code === 'cursor-superseded')
}
