import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  createTallyhookClient,
  EventGap,
  EventsLost,
  type Followed,
  type FollowOptions,
  followEvents,
  type Loss,
  TallyhookError,
} from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'
import {
  type Answer,
  createTestPatience,
  cut,
  end,
  type FakeService,
  frame,
  json,
  problem,
  startFakeService,
  stream,
} from '../support/fake-service.ts'

describe('following the feed', () => {
  let service: FakeService
  afterEach(() => service?.close())

  async function follow(answers: Answer[], options: FollowOptions = {}) {
    service = await startFakeService(...answers)
    const patience = createTestPatience()
    const client = createTallyhookClient({ baseUrl: service.url, token: 't', retryBudgetMs: 0 })
    return { patience, follower: followEvents(client, { patience, ...options }) }
  }

  async function take(follower: AsyncIterable<Followed>, count: number): Promise<string[]> {
    const taken: string[] = []
    for await (const { event, cursor } of follower) {
      taken.push(`${cursor} ${event.id}`)
      if (taken.length === count) break
    }
    return taken
  }

  const [a1, a2, a3] = [newEvent('a', 1), newEvent('a', 2), newEvent('a', 3)]
  const b1 = newEvent('b', 1)

  it('goes on from what was taken last when a connection is cut in the middle of an event', async () => {
    const half = frame('c2', a2).slice(0, 60)
    const { follower } = await follow([
      stream([frame('c1', a1), half], cut),
      stream([frame('c2', a2), ':\n\n', frame('c3', a3)]),
    ])
    assert.deepEqual(await take(follower, 3), ['c1 ev-a-1', 'c2 ev-a-2', 'c3 ev-a-3'])
    assert.deepEqual(service.asked, ['GET /v1/events/stream', 'GET /v1/events/stream last-event-id=c1'])
  })

  it('goes on when the service ends the stream, is away, or cannot be reached, and waits longer each time', async () => {
    const interrupted: string[] = []
    const { follower, patience } = await follow(
      [
        stream([frame('c1', a1)], end),
        problem(503, 'redis-away'),
        problem(503, 'redis-away', {}, { 'retry-after': '7' }),
        cut,
        stream([frame('c2', a2)]),
      ],
      { onInterrupted: ({ error }) => interrupted.push(error?.code ?? 'ended') },
    )
    assert.deepEqual(await take(follower, 2), ['c1 ev-a-1', 'c2 ev-a-2'])
    assert.deepEqual(interrupted, ['ended', 'redis-away', 'redis-away', 'no-answer'])
    assert.deepEqual(patience.waited, [1, 2, 7000, 8])
  })

  it('takes a silence, without even a heartbeat, for a broken connection', async () => {
    const { follower } = await follow([stream([frame('c1', a1)]), stream([frame('c2', a2)])], {
      silenceMs: 50,
    })
    assert.deepEqual(await take(follower, 2), ['c1 ev-a-1', 'c2 ev-a-2'])
    assert.equal(service.asked.length, 2)
  })

  it('moves past what a filter left out by frames that have a place alone', async () => {
    const saved: string[] = []
    const { follower } = await follow(
      [stream(['id: c9\n\n'], end), stream([frame('c10', a1), frame('c11', a2)])],
      { account: 'acme', checkpoint: { load: () => 'c0', save: (cursor) => void saved.push(cursor) } },
    )
    await take(follower, 2)
    assert.deepEqual(service.asked, [
      'GET /v1/events/stream?account=acme last-event-id=c0',
      'GET /v1/events/stream?account=acme last-event-id=c9',
    ])
    assert.deepEqual(saved, ['c9', 'c10'])
  })

  it('saves a place when the next event is asked for, and not what somebody stopped at', async () => {
    const saved: string[] = []
    const { follower } = await follow([stream([frame('c1', a1), frame('c2', b1), frame('c3', a2)])], {
      checkpoint: { load: () => undefined, save: (cursor) => void saved.push(cursor) },
    })
    await take(follower, 3)
    assert.deepEqual(saved, ['c1', 'c2'])
  })

  it('passes on what a checkpoint throws', async () => {
    const full = new Error('The disk is full.')
    const { follower } = await follow([stream([frame('c1', a1), frame('c2', a2)])], {
      checkpoint: {
        load: () => 'c0',
        save() {
          throw full
        },
      },
    })
    await assert.rejects(take(follower, 2), full)
  })

  it('drops what came before', async () => {
    const { follower } = await follow([
      stream([frame('c1', a1), frame('c2', a2)], end),
      stream([frame('c1', a1), frame('c2', a2), frame('c3', a3)]),
    ])
    assert.deepEqual(await take(follower, 3), ['c1 ev-a-1', 'c2 ev-a-2', 'c3 ev-a-3'])
  })

  it('gives each event once and in order, wherever connections are cut', async () => {
    const events = Array.from({ length: 12 }, (_, i) => newEvent(`s${i % 3}`, Math.floor(i / 3) + 1))
    const frames = events.map((event, i) => frame(String(i), event))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 3_000 }), { maxLength: 8 }), async (cuts) => {
        const rest: Answer = (response, request) => {
          const lastId = request.headers['last-event-id']
          const bytes = Buffer.from(frames.slice(lastId === undefined ? 0 : Number(lastId) + 1).join(''))
          const cutAt = cuts[service.asked.length - 1]
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          if (cutAt === undefined) response.write(bytes)
          else response.write(bytes.subarray(0, cutAt), () => response.destroy())
        }
        const { follower } = await follow([rest])
        try {
          assert.deepEqual(
            await take(follower, events.length),
            events.map(({ id }, i) => `${i} ${id}`),
          )
        } finally {
          await service.close()
        }
      }),
      { numRuns: 40 },
    )
  })

  it('ends when its signal says so, also while it waits', async () => {
    const controller = new AbortController()
    const { follower } = await follow([stream([frame('c1', a1)])], { signal: controller.signal })
    const taken: string[] = []
    for await (const { event } of follower) {
      taken.push(event.id)
      setImmediate(() => controller.abort())
    }
    assert.deepEqual(taken, ['ev-a-1'])
  })

  describe('a gap', () => {
    it('is thrown, and the place before it is kept', async () => {
      const saved: string[] = []
      const { follower } = await follow([stream([frame('c1', a1), frame('c2', b1), frame('c3', a3)])], {
        checkpoint: { load: () => undefined, save: (cursor) => void saved.push(cursor) },
      })
      await assert.rejects(take(follower, 9), (error) => {
        assert.ok(error instanceof EventGap)
        const event = { id: 'ev-a-3', type: a3.type, previousid: 'ev-a-2' }
        assert.deepEqual(error.gap, { subject: 'a', expected: 2, got: 3, event })
        return true
      })
      assert.deepEqual(saved, ['c1', 'c2'])
    })

    it('is told to who asks for that, and it goes on', async () => {
      const gaps: number[] = []
      const { follower } = await follow([stream([frame('c1', a1), frame('c3', a3)])], {
        onGap: ({ expected, got }) => void gaps.push(expected, got),
      })
      assert.deepEqual(await take(follower, 2), ['c1 ev-a-1', 'c3 ev-a-3'])
      assert.deepEqual(gaps, [2, 3])
    })

    it('shows in `previousid` too', async () => {
      const other = { ...a2, previousid: 'ev-a-other' }
      const { follower } = await follow([stream([frame('c1', a1), frame('c2', other)])])
      await assert.rejects(take(follower, 9), EventGap)
    })

    it('is none where some types of a subject are left out', async () => {
      const answer = stream([frame('c1', a1), frame('c3', a3)])
      const single = await follow([answer], { types: ['tallyhook.transfer.succeeded.v1'] })
      assert.deepEqual(await take(single.follower, 2), ['c1 ev-a-1', 'c3 ev-a-3'])
      await service.close()
      const group = await follow([answer], { types: ['tallyhook.transfer.*', 'tallyhook.batch.*'] })
      await assert.rejects(take(group.follower, 2), EventGap)
    })

    it('does not show of a subject that was forgotten, and the memory is bounded', async () => {
      const { follower } = await follow([stream([frame('c1', a1), frame('c2', b1), frame('c3', a3)])], {
        subjectsMax: 1,
      })
      assert.deepEqual(await take(follower, 3), ['c1 ev-a-1', 'c2 ev-b-1', 'c3 ev-a-3'])
    })
  })

  describe('a lost place', () => {
    for (const code of ['cursor-expired', 'cursor-superseded'] as const)
      it(`is never read over: ${code}`, async () => {
        const { follower } = await follow([problem(410, code, { begin: 'c7' })], {
          checkpoint: { load: () => 'c1' },
        })
        await assert.rejects(take(follower, 1), (error) => {
          assert.ok(error instanceof EventsLost)
          assert.deepEqual(error.loss, { code, cursor: 'c1', begin: 'c7', detail: `It is ${code}.` })
          return true
        })
      })

    it('is gone on from where the service says, if the reader wants that', async () => {
      const losses: Loss[] = []
      const { follower } = await follow(
        [
          stream([frame('c1', a1)], end),
          problem(410, 'cursor-expired', { begin: 'c7' }),
          // Events of the same subject that come after the hole are no gap beside it.
          stream([frame('c8', newEvent('a', 8))]),
        ],
        {
          onLost(loss) {
            losses.push(loss)
            return 'begin'
          },
        },
      )
      assert.deepEqual(await take(follower, 2), ['c1 ev-a-1', 'c8 ev-a-8'])
      assert.equal(losses[0]?.begin, 'c7')
      assert.equal(service.asked[2], 'GET /v1/events/stream last-event-id=c7')
    })
  })

  describe('hostile streams', () => {
    const refused = (code: string) => (error: unknown) => {
      assert.ok(error instanceof TallyhookError)
      assert.equal(error.code, code)
      return true
    }

    it('refuses an event of 10 MB without keeping it', async () => {
      const long = `data: ${'x'.repeat(64 * 1024)}`
      const { follower } = await follow([
        stream([], async (response) => {
          for (let i = 0; i < 160 && !response.destroyed; i++)
            await new Promise((resolve) => response.write(long.replaceAll('\n', ''), resolve))
        }),
      ])
      await assert.rejects(take(follower, 1), refused('frame-too-long'))
    })

    it('refuses what is no event, an answer that is no stream, and a redirect', async () => {
      const event = JSON.stringify(a1)
      for (const answer of [
        stream(['id: 1\ndata: {"a"\n\n']),
        stream(['id: 1\ndata: {}\n\n']),
        stream([`data: ${event}\n\n`]),
        json(200, {}),
        ((response) => response.writeHead(302, { location: '/elsewhere' }).end()) satisfies Answer,
      ]) {
        const { follower } = await follow([answer])
        await assert.rejects(take(follower, 1), refused('not-understood'))
        await service.close()
      }
    })

    it('does not try again what a token does not allow', async () => {
      for (const [status, code] of [
        [401, 'unauthenticated'],
        [403, 'missing-scope'],
        [422, 'invalid-cursor'],
      ] as const) {
        const { follower } = await follow([problem(status, code)])
        await assert.rejects(take(follower, 1), refused(code))
        assert.equal(service.asked.length, 1)
        await service.close()
      }
    })

    it('has a fast sender wait for a slow reader', async () => {
      const padded = (i: number) => ({ ...newEvent(`s${i}`, 1), padding: 'x'.repeat(64 * 1024) })
      const total = 400
      let written = 0
      const { follower } = await follow([
        stream([], async (response) => {
          for (; written < total; written++)
            if (!response.write(frame(`c${written}`, padded(written))))
              await new Promise((resolve) => response.once('drain', resolve))
        }),
      ])
      let taken = 0
      let aheadMost = 0
      for await (const _ of follower) {
        taken++
        aheadMost = Math.max(aheadMost, written - taken)
        // As long as a turn of the event loop: the sender runs in the same one.
        await new Promise((resolve) => setImmediate(resolve))
        if (taken === total) break
      }
      assert.ok(aheadMost < total / 2, `The sender was ${aheadMost} events ahead.`)
    })
  })

  describe('page by page', () => {
    it('gives each event, and the place of a page with its last', async () => {
      const saved: string[] = []
      const { follower } = await follow(
        [
          json(200, { events: [a1, b1], next: 'p1' }),
          json(200, { events: [], next: 'p2' }),
          problem(503, 'redis-away'),
          json(200, { events: [a2, a3], next: 'p3' }),
        ],
        { mode: 'poll', checkpoint: { load: () => 'p0', save: (cursor) => void saved.push(cursor) } },
      )
      assert.deepEqual(await take(follower, 4), ['p0 ev-a-1', 'p1 ev-b-1', 'p2 ev-a-2', 'p3 ev-a-3'])
      assert.deepEqual(saved, ['p1', 'p2'])
      assert.deepEqual(service.asked, [
        'GET /v1/events?after=p0&limit=500&wait=30',
        'GET /v1/events?after=p1&limit=500&wait=30',
        'GET /v1/events?after=p2&limit=500&wait=30',
        'GET /v1/events?after=p2&limit=500&wait=30',
      ])
    })

    it('drops the first half of a page that is read again', async () => {
      const again = json(200, { events: [a1, a2], next: 'p1' })
      const { follower } = await follow([again, again, json(200, { events: [a3], next: 'p2' })], {
        mode: 'poll',
      })
      assert.deepEqual(await take(follower, 3), ['undefined ev-a-1', 'p1 ev-a-2', 'p2 ev-a-3'])
    })

    it('is told of a lost place', async () => {
      const { follower } = await follow([problem(410, 'cursor-expired')], { mode: 'poll', after: 'p0' })
      await assert.rejects(take(follower, 1), EventsLost)
    })
  })
})
