import assert from 'node:assert/strict'
import fc from 'fast-check'
import { takeOldest } from '../../src/events/merge.ts'
import { comparePositions } from '../../src/events/position.ts'
import type { EventHead, PublishedEvent } from '../../src/events/published.ts'

/** Per partition, how long after the one before each event came; and whether it is wanted. */
const logOf = fc.array(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 }), {
  minLength: 1,
  maxLength: 5,
})

type Steps = [number, boolean][][]

function makeLog(steps: Steps): PublishedEvent[][] {
  return steps.map((lane, partition) => {
    let ms = 1
    return lane.map(([step, isWanted], i) => {
      ms += step
      const account = isWanted ? 'wanted' : 'other'
      return { partition, position: `${ms}-${i}`, account, json: '{}' } as PublishedEvent
    })
  })
}

/** In memory as far as `recalled` says, else from the store. */
function readerOf(log: PublishedEvent[][], recalled: boolean) {
  const after = (partition: number, position: string, limit: number) =>
    (log[partition] ?? []).filter((event) => comparePositions(event.position, position) > 0).slice(0, limit)
  return {
    recall: (...which: [number, string, number]) => (recalled ? after(...which) : undefined),
    scan: async (...which: [number, string, number]) => after(...which),
  }
}

describe('merging the partitions', () => {
  const wanted = ({ account }: EventHead) => account === 'wanted'

  it('gives each event once, whatever the page, the filter, the bound and where it is read', async () => {
    await fc.assert(
      fc.asyncProperty(
        logOf,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        fc.boolean(),
        async (steps, limit, scannedMax, filtered, recalled) => {
          const log = makeLog(steps)
          const seen: PublishedEvent[] = []
          let positions = log.map(() => '0-0')
          for (;;) {
            const merged = await takeOldest(readerOf(log, recalled), positions, {
              limit,
              scannedMax,
              wanted: filtered ? wanted : undefined,
            })
            assert.ok(merged.page.length <= limit)
            assert.ok(merged.ended || merged.positions.join() !== positions.join(), 'it moves on')
            seen.push(...(merged.page as PublishedEvent[]))
            positions = merged.positions
            if (merged.ended) break
          }
          const all = log.flat().filter((event) => !filtered || wanted(event))
          assert.deepEqual(
            seen.map(({ position }) => position).sort(),
            all.map(({ position }) => position).sort(),
          )
          assert.ok(
            seen.every(
              (event, i) => i === 0 || comparePositions(seen[i - 1]?.position ?? '', event.position) <= 0,
            ),
            'oldest first',
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})
