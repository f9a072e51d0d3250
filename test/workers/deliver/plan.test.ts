import assert from 'node:assert/strict'
import type { EventId, RunId } from '../../../src/domain/ids.ts'
import type { Line, Subject } from '../../../src/domain/line.ts'
import type { PublishedEvent } from '../../../src/events/published.ts'
import { planPage, settlePage } from '../../../src/workers/deliver/plan.ts'
import type { Progress } from '../../../src/workers/deliver/settle-line.ts'

const run = 'ru-1' as RunId
const terms = { run, now: 1_000, retryMs: 3_600_000, random: () => 0.5 }
const attempt = { at: 900, tookMs: 5, status: 200 }
const failure = { at: 900, tookMs: 5, status: 500, error: 'status' }
const held: Progress = { taken: [], end: { end: 'held' } }

/** `a1 b1 a2`: of subject a the first, of b the first, of a the second. */
function pageOf(text: string): PublishedEvent[] {
  return text.split(' ').map((name, i) => ({
    partition: 0,
    position: `${i + 1}-0`,
    id: `ev-${name}` as EventId,
    type: 'tallyhook.transfer.registered.v1',
    account: 'acme',
    subject: name.charAt(0) as Subject,
    sequence: Number(name.slice(1)),
    at: 0,
    json: '{}',
  }))
}

/** By subject how it went; what is not named was held. */
function settle(text: string, went: Record<string, Progress>, lines: Record<string, Line> = {}) {
  const known = new Map(Object.entries(lines) as [Subject, Line][])
  const plan = planPage(
    pageOf(text),
    () => true,
    (subject) => known.has(subject),
  )
  const page = settlePage(plan, ({ subject }) => went[subject] ?? held, known, terms)
  return {
    position: page.position,
    whole: page.whole,
    lines: Object.fromEntries(
      page.lines.map(({ subject, after }) => [subject, after.events.map(({ id }) => id)]),
    ),
    delivered: page.notes.filter(({ outcome }) => outcome === 'delivered').map(({ event }) => event),
    page,
  }
}

const all = (count: number): Progress => ({ taken: Array(count).fill(attempt), end: { end: 'held' } })
const failedAfter = (count: number): Progress => ({
  taken: Array(count).fill(attempt),
  end: { end: 'failed', attempt: failure },
})

describe('a page of deliveries', () => {
  it('is passed when all of it was taken, and leaves no lines', () => {
    const { position, whole, lines, delivered } = settle('a1 b1 a2', { a: all(2), b: all(1) })
    assert.deepEqual({ position, whole, lines }, { position: '3-0', whole: true, lines: {} })
    assert.deepEqual(delivered.sort(), ['ev-a1', 'ev-a2', 'ev-b1'])
  })

  it('what fails steps aside with what stands behind it; the others pass by', () => {
    const { position, lines, page } = settle('a1 b1 a2 b2', { a: failedAfter(0), b: all(2) })
    assert.equal(position, '4-0')
    assert.deepEqual(lines, { a: ['ev-a1', 'ev-a2'] })
    const [line] = page.lines
    assert.equal(line?.after.attempts, 1)
    assert.equal(line?.after.nextAt, 1_000 + 5_000)
    assert.equal(line?.after.firstAt, 900)
  })

  it('what follows a line queues up behind it and is not sent', () => {
    const before: Line = {
      events: [{ position: '0-1', id: 'ev-a0' as EventId, type: 't' }],
      attempts: 3,
      nextAt: 9_000,
    }
    const { position, lines, page } = settle('a1 b1', { b: all(1) }, { a: before })
    assert.equal(position, '2-0')
    assert.deepEqual(lines, { a: ['ev-a0', 'ev-a1'] })
    assert.deepEqual([page.lines[0]?.after.attempts, page.lines[0]?.after.nextAt], [3, 9_000])
  })

  it('when the breaker opens, the cursor stops at the last that was tried; what it passed stands in lines', () => {
    const { position, whole, lines } = settle('a1 b1 c1 d1', { a: failedAfter(0), c: failedAfter(0) })
    assert.deepEqual({ position, whole }, { position: '3-0', whole: false })
    assert.deepEqual(lines, { a: ['ev-a1'], b: ['ev-b1'], c: ['ev-c1'] })
  })

  it('what stands behind a failed one and behind the cut stays in the log', () => {
    const { position, lines } = settle('a1 b1 a2', { a: failedAfter(0) })
    assert.equal(position, '1-0')
    assert.deepEqual(lines, { a: ['ev-a1'] })
  })

  it('where nothing was tried, nothing moves', () => {
    assert.equal(settle('a1 b1', {}).position, undefined)
  })

  it('a request that is still on its way leaves a line that nobody touches until its time', () => {
    const went: Progress = { taken: [attempt], end: { end: 'under-way', until: 20_000 } }
    const { position, lines, page } = settle('a1 a2 a3', { a: went })
    assert.equal(position, '3-0')
    assert.deepEqual(lines, { a: ['ev-a2', 'ev-a3'] })
    assert.deepEqual([page.lines[0]?.after.underWay, page.lines[0]?.after.nextAt], [true, 20_000])
  })

  it('one that may have arrived is sent again at once, and was no attempt', () => {
    const { lines, page } = settle('a1', { a: { taken: [], end: { end: 'given-up' } } })
    assert.deepEqual(lines, { a: ['ev-a1'] })
    assert.deepEqual([page.lines[0]?.after.attempts, page.lines[0]?.after.nextAt], [0, 1_000])
  })
})
