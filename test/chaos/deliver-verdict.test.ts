import assert from 'node:assert/strict'
import { decideReply, habits, planDeliveries } from '../../chaos/deliver-plan.ts'
import {
  type Arrival,
  type DeliverEvidence,
  type FeedEvent,
  hasDeliverFailed,
  judgeDeliveries,
} from '../../chaos/deliver-verdict.ts'

const published = (subject: string, sequence: number, fields: Partial<FeedEvent> = {}): FeedEvent => {
  const id = `${subject}#${sequence}`
  const type = 'tallyhook.transfer.registered.v1'
  return { id, type, subject, sequence, partition: 0, digest: `of ${id}`, ...fields }
}
const feed = [published('a', 1), published('b', 1), published('a', 2)]
const head = [{ partition: 0, count: 3, lastId: 'a#2' }]

/** `a#1` arrives and is taken, `a#1!` arrives and is not, and each is a moment after the one before. */
const arrivals = (...words: string[]): Arrival[] =>
  words.map((word, i) => {
    const id = word.replace('!', '')
    const base = { id, digest: `of ${id}`, genuine: true, arrived: 2 * i }
    return word.endsWith('!') ? base : { ...base, taken: 2 * i + 1 }
  })

const judge = (list: Arrival[], fields: Partial<DeliverEvidence> = {}) =>
  judgeDeliveries({
    feed,
    head,
    wanted: () => true,
    subscribers: [{ name: 'one', arrivals: list }],
    ...fields,
  })
const clean = { name: 'one', taken: 3, missing: [], early: [], repeats: 0, refused: 0 }

describe('chaos: the verdict over deliveries', () => {
  it('is content with each event once, in order per intent, whatever the order among intents', () => {
    for (const list of [arrivals('a#1', 'b#1', 'a#2'), arrivals('a#1', 'a#2', 'b#1')]) {
      const verdict = judge(list)
      assert.deepEqual(verdict, { events: 3, subscribers: [clean], faults: [] })
      assert.equal(hasDeliverFailed(verdict), false)
    }
  })

  it('counts repeats and what was refused, and minds neither', () => {
    const verdict = judge(arrivals('a#1!', 'b#1', 'a#1', 'a#1', 'a#2', 'a#1', 'a#2'))
    assert.deepEqual(verdict.subscribers, [{ ...clean, repeats: 3, refused: 1 }])
    assert.equal(hasDeliverFailed(verdict), false)
  })

  it('misses what never came, and what came and was never taken', () => {
    const verdict = judge(arrivals('a#1', 'a#2!'))
    assert.deepEqual(verdict.subscribers[0]?.missing, ['b#1', 'a#2'])
    assert.equal(hasDeliverFailed(verdict), true)
  })

  it('finds what came before the one before it was taken', () => {
    const overtaken = [
      arrivals('a#2', 'a#1', 'b#1'),
      arrivals('a#1!', 'a#2', 'a#1', 'b#1'),
      arrivals('a#1!', 'a#2!', 'a#1', 'a#2', 'b#1'),
      arrivals('a#2', 'b#1'),
    ]
    for (const list of overtaken) {
      const verdict = judge(list)
      assert.deepEqual(verdict.subscribers[0]?.early, ['a#2'])
      assert.equal(hasDeliverFailed(verdict), true)
    }
  })

  it('finds one that arrived while the one before it was still being answered', () => {
    const slow = { ...arrivals('a#1')[0], arrived: 0, taken: 3 } as Arrival
    const early = { ...arrivals('a#2')[0], arrived: 1, taken: 2 } as Arrival
    assert.deepEqual(judge([slow, early]).subscribers[0]?.early, ['a#2'])
  })

  it('finds another content, a wrong signature, and what nobody published or asked for', () => {
    const [first, other, last] = arrivals('a#1', 'b#1', 'a#2') as [Arrival, Arrival, Arrival]
    const faultsOf = (list: Arrival[], fields?: Partial<DeliverEvidence>) => judge(list, fields).faults
    assert.match(faultsOf([first, other, { ...last, digest: 'x' }])[0] ?? '', /a#2 came with another content/)
    assert.match(faultsOf([first, other, { ...last, genuine: false }])[0] ?? '', /signature/)
    assert.match(faultsOf([first, other, last, ...arrivals('c#1')])[0] ?? '', /c#1 came, and is not/)
    const wanted = ({ subject }: FeedEvent) => subject === 'a'
    assert.match(faultsOf([first, other, last], { wanted })[0] ?? '', /b#1 came, and is not/)
  })

  it('finds a feed that is not what its head says, or that has a gap', () => {
    const list = arrivals('a#1', 'b#1', 'a#2')
    const heads = [
      [{ partition: 0, count: 4, lastId: 'a#2' }],
      [{ partition: 0, count: 3, lastId: 'a#3' }],
      [],
    ]
    for (const other of heads) assert.equal(hasDeliverFailed(judge(list, { head: other })), true)
    const gap = [published('a', 1), published('b', 1), published('a', 3)]
    const { faults } = judge(arrivals('a#1', 'b#1', 'a#3'), {
      feed: gap,
      head: [{ partition: 0, count: 3, lastId: 'a#3' }],
    })
    assert.deepEqual(faults, ['a#3 does not follow in the feed'])
  })
})

describe('chaos: the plan of deliveries', () => {
  const size = { events: 2_000, kills: 6, workers: 2 }

  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(planDeliveries('s', size), planDeliveries('s', size))
    assert.notDeepEqual(planDeliveries('s', size).kills, planDeliveries('t', size).kills)
  })

  it('kills while there is something to deliver', () => {
    for (let i = 0; i < 100; i++) {
      const { kills } = planDeliveries(`${i}`, size)
      assert.equal(kills.length, size.kills)
      assert.ok(kills.every(({ afterTaken, worker }) => afterTaken >= 0 && worker < size.workers))
      assert.ok(kills.every(({ afterTaken }) => afterTaken < size.events * habits.length))
    }
  })

  it('has every subscriber take every event at the third time, and some refuse at first', () => {
    const ids = Array.from({ length: size.events }, (_, i) => `tr-${i}`)
    const kindsOf = (arrival: number) =>
      habits.map((habit) => new Set(ids.map((id) => decideReply(habit, 's', id, arrival).kind)).size)
    assert.deepEqual(kindsOf(3), [1, 1, 1, 1, 1])
    assert.deepEqual(kindsOf(1), [1, 3, 2, 2, 1])
  })
})
