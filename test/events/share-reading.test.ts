import assert from 'node:assert/strict'
import { beginning } from '../../src/events/position.ts'
import type { PublishedEvent } from '../../src/events/published.ts'
import { createShareReading } from '../../src/events/share-reading.ts'

describe('reading the log together', () => {
  const eventAt = (partition: number, number: number) =>
    ({ partition, position: `${number}-0`, json: `${partition} ${number}` }) as PublishedEvent

  function world({ length = 100, limits = { bytes: 10_000, ageMs: 2_000 } } = {}) {
    const state = { now: 1_000, reads: [] as string[], fails: false, recalls: false }
    const entriesAfter = (partition: number, position: string, limit: number) => {
      const from = Number(position.split('-')[0]) + 1
      const all = Array.from({ length: Math.max(0, length + 1 - from) }, (_, i) =>
        eventAt(partition, from + i),
      )
      return all.slice(0, limit)
    }
    const read = createShareReading({
      log: {
        recall: (partition, position, limit) =>
          state.recalls ? entriesAfter(partition, position, limit) : undefined,
        async readAfter(partition, position, limit) {
          state.reads.push(`${partition} ${position}`)
          await new Promise((resolve) => setImmediate(resolve))
          if (state.fails) throw new Error('Redis is away.')
          return entriesAfter(partition, position, limit)
        },
      },
      clock: () => state.now,
      limits,
    })
    const walk = async (partition: number, limit: number, from = beginning, pages = 100) => {
      const seen: string[] = []
      let position = from
      for (let page = 0; page < pages; page++) {
        const events = await read(partition, position, limit)
        if (events.length === 0) break
        seen.push(...events.map((event) => event.position))
        position = events.at(-1)?.position ?? position
      }
      return seen
    }
    return { state, read, walk }
  }

  const positions = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `${from + i}-0`)

  it('gives everybody everything in order, wherever they begin', async () => {
    const { walk } = world()
    const [one, same, third, short, other] = await Promise.all([
      walk(1, 10),
      walk(1, 10),
      walk(1, 10, '3-0'),
      walk(1, 7, '14-0'),
      walk(2, 10),
    ])
    for (const all of [one, same, other]) assert.deepEqual(all, positions(1, 100))
    assert.deepEqual(third, positions(4, 100))
    assert.deepEqual(short, positions(15, 100))
  })

  it('reads for several who walk side by side, or one behind another, as for one', async () => {
    const { state, walk } = world()
    await Promise.all([walk(1, 10), walk(1, 10), walk(1, 10)])
    const { length } = state.reads
    // The ten pages, and that there is nothing more.
    assert.equal(length, 11)
    assert.deepEqual(await walk(1, 10, '3-0'), positions(4, 100))
    assert.equal(state.reads.length, length + 1)
  })

  it('keeps nothing for one who walks alone', async () => {
    const { state, walk, read } = world()
    await walk(1, 10, beginning, 5)
    state.now += 2_000
    await read(1, '10-0', 10)
    assert.equal(state.reads.filter((name) => name === '1 10-0').length, 2)
  })

  it('reads anew what is older than it may be', async () => {
    const { state, walk } = world()
    await Promise.all([walk(1, 10), walk(1, 10)])
    await walk(1, 10)
    const before = state.reads.length
    await walk(1, 10, '10-0', 2)
    assert.equal(state.reads.length, before)
    state.now += 2_000
    await walk(1, 10, '10-0', 2)
    assert.equal(state.reads.length, before + 2)
  })

  it('keeps no more than it may', async () => {
    const { state, walk } = world({ limits: { bytes: 100, ageMs: 2_000 } })
    await walk(1, 10)
    await walk(1, 10)
    const before = state.reads.length
    await walk(1, 10, beginning, 5)
    assert.equal(state.reads.length, before + 5)
  })

  it('asks memory first, and keeps no failure', async () => {
    const { state, read, walk } = world()
    state.fails = true
    await Promise.all([assert.rejects(read(1, beginning, 10)), assert.rejects(read(1, beginning, 10))])
    assert.equal(state.reads.length, 1)
    state.fails = false
    assert.equal((await read(1, beginning, 10)).length, 10)
    state.recalls = true
    const before = state.reads.length
    assert.deepEqual(await walk(1, 10), positions(1, 100))
    assert.equal(state.reads.length, before)
  })
})
