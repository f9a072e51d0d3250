import assert from 'node:assert/strict'
import { encodeCursor } from '../../../src/events/cursor.ts'
import type { EventFilter } from '../../../src/events/filter.ts'
import { createHeadOrder } from '../../../src/events/head-order.ts'
import type { PublishedEvent } from '../../../src/events/published.ts'
import type { TailListener } from '../../../src/events/tail.ts'
import type { PacedWriter } from '../../../src/http/api/paced-writer.ts'
import { createFanout, fanoutLimits } from '../../../src/http/api/stream-fanout.ts'
import type { Chunk } from '../../../src/http/api/stream-frames.ts'
import { testEpoch } from '../../support/feed.ts'
import { until } from '../../support/until.ts'

const start = encodeCursor(['0-0', '0-0'], testEpoch)

describe('readers at the head', () => {
  let ahead = 0

  function createHead(limits = fanoutLimits) {
    const listeners = new Set<TailListener>()
    const log = {
      partitions: 2,
      subscribe(listener: TailListener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    const follow = createHeadOrder({ log, epoch: testEpoch })
    const fanout = createFanout({ follow, clock: () => Date.now() + ahead, limits })
    return {
      fanout,
      follows: () => listeners.size,
      publish: (...events: PublishedEvent[]) => {
        for (const event of events)
          for (const { onEvents } of [...listeners]) onEvents(event.partition, [event])
      },
      lose: () => {
        for (const { onReset } of [...listeners]) onReset?.(0)
      },
    }
  }

  type Head = ReturnType<typeof createHead>

  function makeEvent(at: number, partition = 0, account = 'one'): PublishedEvent {
    return {
      partition,
      position: `${at}-0`,
      id: `e-${at}` as PublishedEvent['id'],
      type: 'tallyhook.transfer.succeeded.v1',
      account,
      subject: `s-${at}` as PublishedEvent['subject'],
      sequence: 1,
      at,
      json: `{"at":${at}}`,
    }
  }

  function sit({ fanout }: Head, { cursor = start, filter = {} as EventFilter } = {}) {
    const chunks: Chunk[] = []
    let goOn = () => {}
    const reader = { chunks, isSlow: false, takes: () => goOn(), hasLeft: false }
    const writer: PacedWriter = {
      write: async () => true,
      writeChunk: async () => true,
      push(chunk) {
        chunks.push(chunk)
        return !reader.isSlow
      },
      drained: () =>
        new Promise((resolve) => {
          goOn = () => resolve(true)
        }),
      isOver: () => false,
    }
    const ride = fanout.ride({ writer, filter, cursor, onWritten: () => {} })
    assert.ok(ride)
    void ride.left.then(() => {
      reader.hasLeft = true
    })
    const text = () => chunks.map(({ bare }) => bare.toString()).join('')
    const read = () => [...text().matchAll(/data: {"at":(\d+)}/g)].map(([, at]) => Number(at))
    return { reader, ride, read }
  }

  beforeEach(() => {
    ahead = 0
  })

  it('get the same bytes, made once, oldest first, with cursors that are good by themselves', async () => {
    const head = createHead()
    const [one, other] = [sit(head), sit(head)]
    head.publish(makeEvent(3), makeEvent(2, 1), makeEvent(4))
    await until('the events', () => other.read().length === 3)
    assert.deepEqual(one.read(), [2, 3, 4])
    assert.equal(one.reader.chunks[0]?.framed, other.reader.chunks[0]?.framed)
    const ids = one.reader.chunks[0]?.bare.toString().match(/(?<=^id: ).*$/gm)
    assert.deepEqual(ids, [
      encodeCursor(['0-0', '2-0'], testEpoch),
      encodeCursor(['3-0', '2-0'], testEpoch),
      encodeCursor(['4-0', '2-0'], testEpoch),
    ])
    one.ride.leave()
    other.ride.leave()
    assert.equal(head.follows(), 0, 'nobody is followed for no one')
  })

  it('wait for none that is slow; it gets everything in order when it goes on', async () => {
    const head = createHead()
    const [slow, fast] = [sit(head), sit(head)]
    slow.reader.isSlow = true
    for (let at = 1; at <= 50; at++) {
      head.publish(makeEvent(at))
      await until('the event', () => fast.read().length === at)
    }
    assert.equal(slow.reader.chunks.length, 1)
    assert.ok(slow.ride.waits())
    assert.ok(head.fanout.keptBytes() > 0)
    slow.reader.isSlow = false
    slow.reader.takes()
    await until('the rest', () => slow.read().length === 50)
    assert.deepEqual(slow.read(), fast.read())
    assert.equal(slow.ride.cursor(), fast.ride.cursor())
    assert.equal(head.fanout.keptBytes(), 0, 'what everybody has is not kept')
  })

  it('keep no more for one that is slow than the bound; past it, it reads the log again from where it stands', async () => {
    const head = createHead({ ...fanoutLimits, bytes: 2_000 })
    const [slow, fast] = [sit(head), sit(head)]
    slow.reader.isSlow = true
    for (let at = 1; at <= 100; at++) {
      head.publish(makeEvent(at))
      await until('the event', () => fast.read().length === at)
      assert.ok(head.fanout.keptBytes() <= 2_000)
    }
    slow.reader.takes()
    await until('its leaving', () => slow.reader.hasLeft)
    assert.deepEqual(slow.read(), [1])
    assert.equal(slow.ride.cursor(), encodeCursor(['1-0', '0-0'], testEpoch))
    assert.equal(head.fanout.keptBytes(), 0)
    assert.ok(!fast.reader.hasLeft)
  })

  it('keep what is personal no longer than its time, though nobody takes it', async () => {
    const head = createHead()
    const [slow, fast] = [sit(head), sit(head)]
    slow.reader.isSlow = true
    head.publish(makeEvent(1))
    await until('the event', () => fast.read().length === 1)
    head.publish(makeEvent(2))
    await until('the event', () => fast.read().length === 2)
    assert.ok(head.fanout.keptBytes() > 0)
    ahead = fanoutLimits.ageMs + 1
    await until('it to be gone', () => head.fanout.keptBytes() === 0)
  })

  it('want different things: a filter leaves out, and moves the position all the same', async () => {
    const head = createHead()
    const all = sit(head)
    const mine = sit(head, { filter: { account: 'one' } })
    const yours = sit(head, { filter: { account: 'two' } })
    const none = sit(head, { filter: { account: 'three' } })
    for (let at = 1; at <= 6; at++) head.publish(makeEvent(at, at % 2, at % 3 === 0 ? 'two' : 'one'))
    await until('the events', () => all.read().length === 6)
    assert.deepEqual(mine.read(), [1, 2, 4, 5])
    assert.deepEqual(yours.read(), [3, 6])
    assert.deepEqual(none.read(), [])
    assert.equal(none.ride.cursor(), all.ride.cursor())
  })

  it('may join in the middle, and get what comes from there', async () => {
    const head = createHead()
    const first = sit(head)
    head.publish(makeEvent(1), makeEvent(2, 1))
    const second = sit(head, { cursor: encodeCursor(['1-0', '2-0'], testEpoch) })
    assert.deepEqual(first.read(), [1, 2], 'what was gathered is written before')
    head.publish(makeEvent(3))
    await until('the event', () => second.read().length === 1)
    assert.deepEqual(second.read(), [3])
    assert.deepEqual(first.read(), [1, 2, 3])
    const elsewhere = { writer: {} as PacedWriter, filter: {}, cursor: start, onWritten: () => {} }
    assert.equal(head.fanout.ride(elsewhere), undefined, 'one that stands elsewhere may not')
  })

  it('go back to the log when memory is thrown away', async () => {
    const head = createHead()
    const one = sit(head)
    head.publish(makeEvent(1))
    head.lose()
    await until('its leaving', () => one.reader.hasLeft)
    assert.deepEqual(one.read(), [1])
    assert.equal(one.ride.cursor(), encodeCursor(['1-0', '0-0'], testEpoch))
    assert.equal(head.follows(), 0)
  })
})
