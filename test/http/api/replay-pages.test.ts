import assert from 'node:assert/strict'
import type { FeedReader } from '../../../src/events/feed.ts'
import type { PublishedEvent } from '../../../src/events/published.ts'
import { createReplayPages, pageLimits } from '../../../src/http/api/replay-pages.ts'
import { until } from '../../support/until.ts'

describe('pages of those who replay', () => {
  let now = 0
  let reads = 0

  /** Of a log with as many events as are asked for, each behind the number of the one before. */
  function createReader(end = 10_000): FeedReader {
    let at = 0
    return {
      async read(limit) {
        reads++
        const from = at
        await new Promise((resolve) => setImmediate(resolve))
        at = Math.min(from + limit, end)
        return Array.from({ length: at - from }, (_, i) => ({ json: `{"at":${from + i}}` }) as PublishedEvent)
      },
      cursorsOf: (events) => events.map(({ json }) => json),
      cursor: () => String(at),
      moveTo(cursor) {
        at = Number(cursor)
      },
      hasMore: () => at < end,
      isAtHead: () => false,
      wait: async () => {},
    }
  }

  const textOf = ({ chunks }: { chunks: readonly { bare: Buffer }[] }) =>
    chunks.map(({ bare }) => bare.toString()).join('')

  beforeEach(() => {
    now = 0
    reads = 0
  })

  it('are made once for all who come by the same place, who read the same and go on from the same', async () => {
    const pages = createReplayPages({ clock: () => now })
    const readers = [createReader(), createReader(), createReader()]
    const texts: string[] = ['', '', '']
    for (let i = 0; i < 4; i++) {
      const read = await Promise.all(readers.map((reader) => pages.read(reader, {})))
      for (const [place, page] of read.entries()) texts[place] += textOf(page)
    }
    assert.equal(reads, 4)
    assert.equal(texts[1], texts[0])
    assert.equal(texts[2], texts[0])
    const late = createReader()
    let text = ''
    while (late.cursor() !== readers[0]?.cursor()) text += textOf(await pages.read(late, {}))
    assert.equal(text, texts[0])
    assert.equal(reads, 4)
    await pages.read(createReader(), { account: 'one' })
    assert.equal(reads, 5, 'who wants something else has pages of its own')
  })

  it('are kept within their bounds of bytes and of time', async () => {
    const pages = createReplayPages({ clock: () => now, limits: { ...pageLimits, bytes: 20_000 } })
    const reader = createReader()
    for (let i = 0; i < 40; i++) {
      await pages.read(reader, {})
      assert.ok(pages.keptBytes() <= 20_000)
    }
    assert.ok(pages.keptBytes() > 0)
    now = pageLimits.ageMs + 1
    await until('them to be gone', () => pages.keptBytes() === 0)
  })

  it('are not kept where the log ends, nor where reading failed', async () => {
    const pages = createReplayPages({ clock: () => now })
    await pages.read(createReader(5), {})
    await pages.read(createReader(5), {})
    assert.equal(reads, 2)
    const failing: FeedReader = { ...createReader(), read: () => Promise.reject(new Error('Away.')) }
    await assert.rejects(pages.read(failing, {}), /Away/)
    assert.ok(textOf(await pages.read(createReader(), {})).length > 0)
    assert.ok(pages.keptBytes() > 0)
  })
})
