import assert from 'node:assert/strict'
import { createHeadCount } from '../../src/client/head-count.ts'
import { createTallyhookClient, followEvents, type LogHead } from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'
import { frame, json, startFakeService, stream } from '../support/fake-service.ts'

/** `[count, lastId]` of each partition. */
const headOf = (cursor: string, ...ends: [number | null, string | null][]): LogHead => ({
  epoch: 'e1',
  cursor,
  partitions: ends.map(([count, lastId], partition) => ({ partition, count, lastId, lastAt: null })),
})

describe('comparing what came with what was published', () => {
  const statesOf = (count: ReturnType<typeof createHeadCount>, head: LogHead) =>
    count
      .compare(head)
      .partitions.map(({ state, published, seen, missing }) => [state, seen, published, missing].join(' '))
  const saw = (count: ReturnType<typeof createHeadCount>, partition: number, ...ids: string[]) => {
    for (const id of ids) count.saw({ id, partition })
  }

  it('counts from the first head whose last event it has seen', () => {
    const count = createHeadCount()
    saw(count, 0, 'a', 'b')
    assert.deepEqual(statesOf(count, headOf('x', [12, 'b'])), ['complete 0 0 0'])
    saw(count, 0, 'c', 'd')
    assert.deepEqual(statesOf(count, headOf('x', [14, 'd'])), ['complete 0 0 0'])
    assert.deepEqual(statesOf(count, headOf('x', [15, 'e'])), ['behind 0 1 0'])
    saw(count, 0, 'e')
    assert.deepEqual(statesOf(count, headOf('x', [15, 'e'])), ['complete 0 0 0'])
  })

  it('finds what never came, in its partition, and does not forget it', () => {
    const count = createHeadCount()
    saw(count, 0, 'a')
    saw(count, 1, 'p')
    count.compare(headOf('x', [1, 'a'], [1, 'p']))
    // `b` was skipped.
    saw(count, 0, 'c')
    saw(count, 1, 'q')
    const head = headOf('x', [3, 'c'], [2, 'q'])
    assert.deepEqual(statesOf(count, head), ['missing 0 0 1', 'complete 0 0 0'])
    assert.deepEqual([count.compare(head).complete, count.compare(head).missing], [false, true])
  })

  it('finds it also where the last event of a head is what never came', () => {
    const count = createHeadCount()
    saw(count, 0, 'a')
    count.compare(headOf('x', [1, 'a']))
    assert.deepEqual(statesOf(count, headOf('x', [2, 'b'])), ['behind 0 1 0'])
    saw(count, 0, 'c')
    assert.deepEqual(statesOf(count, headOf('x', [3, 'c'])), ['missing 0 0 1'])
  })

  it('finds it where nothing comes any more: who stands at the head has all or misses some', () => {
    const count = createHeadCount()
    saw(count, 0, 'a')
    count.compare(headOf('x', [1, 'a']))
    count.reached('y')
    assert.deepEqual(statesOf(count, headOf('y', [2, 'b'])), ['missing 0 0 1'])
  })

  it('takes a head that some events have overtaken', () => {
    const count = createHeadCount()
    saw(count, 0, 'a', 'b', 'c')
    assert.deepEqual(statesOf(count, headOf('x', [2, 'b'])), ['complete 0 0 0'])
    assert.deepEqual(statesOf(count, headOf('x', [3, 'c'])), ['complete 0 0 0'])
  })

  it('says that it does not know where there is nothing to count from', () => {
    const count = createHeadCount()
    assert.deepEqual(statesOf(count, headOf('x', [5, 'e'], [0, null], [null, null])), [
      'unknown 0 0 0',
      'complete 0 0 0',
      'unknown 0 0 0',
    ])
    count.reached('y')
    assert.deepEqual(statesOf(count, headOf('y', [5, 'e']))[0], 'complete 0 0 0')
  })

  it('counts anew when the log is another', () => {
    const count = createHeadCount()
    saw(count, 0, 'a')
    count.compare(headOf('x', [9, 'a']))
    assert.deepEqual(statesOf(count, { ...headOf('x', [2, 'b']), epoch: 'e2' }), ['unknown 0 0 0'])
  })

  it('is done by who follows the feed', async () => {
    const [a1, a2, b1, b2] = [newEvent('a', 1), newEvent('a', 2), newEvent('b', 1), newEvent('b', 2)]
    const service = await startFakeService(
      stream([frame('c1', a1), frame('c2', b1), frame('c3', a2), frame('c4', b2)]),
      json(200, headOf('c1', [1, a1.id])),
      json(200, headOf('c4', [5, b2.id])),
    )
    try {
      const client = createTallyhookClient({ baseUrl: service.url, token: 't' })
      const follower = followEvents(client)
      const reports: unknown[] = []
      for await (const { cursor } of follower) {
        if (cursor === 'c2') reports.push((await follower.checkHead()).complete)
        if (cursor === 'c3') {
          const report = await follower.checkHead()
          reports.push(report.partitions[0]?.state)
        }
        if (cursor === 'c4') break
      }
      assert.deepEqual(reports, [true, 'behind'])
      const filtered = followEvents(client, { account: 'acme' })
      await assert.rejects(filtered.checkHead(), TypeError)
    } finally {
      await service.close()
    }
  })
})
