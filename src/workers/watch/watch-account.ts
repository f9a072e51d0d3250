/**
 * One account's watch: what is due gets its turn, and turns are taken and carried out, so many at once. Whatever becomes of one,
 * the index brings it back: nothing waits for this process alone.
 */
import type { IntentId } from '../../domain/ids.ts'
import type { Intent } from '../../domain/intent.ts'
import { amountOf } from '../../domain/transfer.ts'
import { explainAt, firstLookMs } from '../../store/commit.ts'
import { type Lane, lanes } from '../../store/keys.ts'
import type { Due, Move } from '../../store/watch.ts'
import type { AccountDeps, Found, Later, Turn } from './deps.ts'
import { applyMarks, type Marked } from './marks.ts'
import { perform } from './perform.ts'
import { laneOf, type Next, plan } from './plan.ts'
import { createPool } from './pool.ts'
import { minuteMs } from './times.ts'

export interface WatchAccountDeps extends AccountDeps {
  /** At once. */
  inFlightMax: number
  /** For how long what was taken is nobody else's; a call ends before. */
  leaseMs: number
  isStopping(): boolean
  /** Something has ended, and there may be more to do. */
  poke(): void
}

export interface WatchAccount {
  round(): Promise<void>
  drained(): Promise<void>
}

/** A turn that nobody has taken by then is looked at again: it may be another by now. */
const turnMs = 5 * minuteMs
const unreadableMs = 10 * minuteMs
/** A call is broken off this long before somebody else may take what it is about. */
const marginMs = 5_000
const ownAtOnce = 16

interface Judged {
  due: Due
  found: Found
  next: Next
}

export function createWatchAccount(deps: WatchAccountDeps): WatchAccount {
  const { account, watch, intents, terms, clock, logger } = deps
  const inHand = new Set<IntentId>()
  const coolUntil: Record<Lane, number> = { send: 0, ask: 0 }
  const fail = (error: unknown) => logger.warn('watch.turn-failed', { account, error })
  const pool = createPool(deps.inFlightMax, deps.poke, fail)

  async function judge(due: readonly Due[]): Promise<{ judged: Judged[]; marked: Marked[]; moves: Move[] }> {
    const loaded = await intents.load(due.map(({ id }) => id))
    const all = due.map((one, i) => ({ due: one, loaded: loaded[i] }))
    const askedAt = await watch.askedAt(due.map(({ id }) => id))
    const judged: Judged[] = []
    const marked: Marked[] = []
    const moves: Move[] = []
    for (const { due: one, loaded: found } of all) {
      if (found?.outcome !== 'found') {
        const at = found?.outcome === 'unreadable' ? clock() + unreadableMs : undefined
        moves.push({ id: one.id, at, seenAt: [one.seenAt] })
        continue
      }
      const isWished = !usualTimes(found.intent).includes(one.seenAt)
      const { marks, next } = plan({ ...viewOf(found, askedAt), isWished }, terms, clock())
      if (marks.length > 0) marked.push({ found, marks })
      judged.push({ due: one, found, next })
    }
    return { judged, marked, moves }
  }

  /** What needs a call gets a turn; the rest is done at once, or put off. */
  async function promoteDue(): Promise<void> {
    const due = (await watch.listDue(account, clock())).filter(({ id }) => !inHand.has(id))
    if (due.length === 0) return
    const { judged, marked, moves } = await judge(due)
    await applyMarks(deps, marked)
    for (const lane of lanes) {
      const some = judged.filter(({ next }) => laneOf(next) === lane)
      const entries = some.map(({ due: one, found }) => ({ ...one, minor: worthOf(found.intent) }))
      await watch.promote(account, lane, entries, clock() + turnMs)
    }
    for (const { due: one, next } of judged) {
      if (next.do === 'drop') moves.push({ id: one.id, at: undefined, seenAt: [one.seenAt] })
      if (next.do === 'rest') moves.push({ id: one.id, at: next.until, seenAt: [one.seenAt] })
    }
    await watch.move(account, moves)
    await doOwn(judged.filter(({ next }) => isOwn(next)))
  }

  /** What takes no call, as that something ran out. */
  async function doOwn(own: readonly Judged[]): Promise<void> {
    const until = clock() + deps.leaseMs
    const mine = new Set(
      await watch.move(
        account,
        own.map(({ due: { id, seenAt } }) => ({ id, at: until, seenAt: [seenAt] })),
      ),
    )
    const some = own.filter(({ due: { id } }) => mine.has(id))
    // All the transfers of a batch take longer than the next round may wait.
    for (const { due: one } of some.filter(({ next }) => next.do !== 'expire'))
      pool.run('send', () => takeTurn(one.id, until))
    const short = some.filter(({ next }) => next.do === 'expire')
    for (let from = 0; from < short.length && !deps.isStopping(); from += ownAtOnce)
      await Promise.all(
        short.slice(from, from + ownAtOnce).map(({ due: one }) => takeTurn(one.id, until).catch(fail)),
      )
  }

  async function takeTurn(id: IntentId, until: number, lane?: Lane): Promise<void> {
    if (inHand.has(id)) return
    inHand.add(id)
    try {
      await carryOut(id, until, lane)
    } finally {
      inHand.delete(id)
    }
  }

  async function carryOut(id: IntentId, until: number, lane: Lane | undefined): Promise<void> {
    const [found] = await intents.load([id])
    let held = until
    const moveTo = async (later: Later | undefined) => {
      const seenAt = [held, ...(later?.ownAt === undefined ? [] : [later.ownAt])]
      await watch.move(account, [{ id, at: later?.at, seenAt }])
    }
    if (found?.outcome !== 'found')
      return moveTo(found?.outcome === 'unreadable' ? { at: clock() + unreadableMs } : undefined)
    const askedAt = await watch.askedAt([id])
    // It would not have got this turn before its time, if nobody had wished for it.
    const { next } = plan({ ...viewOf(found, askedAt), isWished: lane === 'ask' }, terms, clock())
    // It has become another thing since it got its turn: it gets another turn.
    if (next.do !== 'rest' && next.do !== 'drop' && laneOf(next) !== lane) return moveTo({ at: clock() })
    const turn: Turn = {
      found,
      signal: () => AbortSignal.timeout(Math.max(1, held - clock() - marginMs)),
      async extend() {
        const to = clock() + deps.leaseMs
        if (to - held < deps.leaseMs / 4) return
        if ((await watch.move(account, [{ id, at: to, seenAt: [held] }])).length > 0) held = to
      },
      isStopping: deps.isStopping,
    }
    const later = await perform(deps, turn, next)
    if (later?.coolUntil !== undefined && lane) coolUntil[lane] = Math.max(coolUntil[lane], later.coolUntil)
    await moveTo(later)
  }

  /** Whether there may be more to be had. */
  async function fill(lane: Lane, alone: boolean): Promise<boolean> {
    if (clock() < coolUntil[lane] || deps.isStopping()) return false
    const count = pool.free(lane, alone)
    if (count === 0) return true
    const until = clock() + deps.leaseMs
    const taken = await watch.take(account, lane, count, until)
    for (const id of taken) pool.run(lane, () => takeTurn(id, until, lane))
    return taken.length === count
  }

  return {
    async round() {
      await promoteDue()
      const isPaused = await deps.isPaused()
      const open = lanes.filter((lane) => lane === 'ask' || !isPaused)
      const more: Lane[] = []
      for (const lane of open) if (await fill(lane, false)) more.push(lane)
      // What is still free now nobody else has wanted.
      for (const lane of more) await fill(lane, true)
    },
    drained: () => pool.drained(),
  }
}

function viewOf(found: Found, askedAt: ReadonlyMap<IntentId, number>) {
  const { intent, totals } = found
  return { intent, totals: totals?.totals, askedAt: askedAt.get(intent.id) }
}

/**
 * Where something lies that nobody wished for: when it is new, and when it has ended and may be explained. Else whoever
 * plans puts it where its time is, and it is due before that only where somebody wishes for it.
 */
function usualTimes(intent: Intent): number[] {
  return [intent.createdAt + firstLookMs, explainAt(intent)]
}

function isOwn(next: Next): boolean {
  return next.do !== 'rest' && next.do !== 'drop' && laneOf(next) === undefined
}

function worthOf(intent: Intent): bigint {
  if (intent.kind === 'transfer') return amountOf(intent).minor
  return intent.amount?.minor ?? 0n
}
