import assert from 'node:assert/strict'
import type { CaseEvent } from '../../src/domain/event.ts'
import type { CaseId } from '../../src/domain/ids.ts'
import { replayMatcherOf } from '../../src/domain/replay.ts'
import { createCountStretch } from '../../src/events/count-stretch.ts'

describe('counting a stretch of the log', () => {
  const event = (sequence: number): CaseEvent => ({
    fact: { name: 'opened', sequence },
    case: {
      id: 'case-00000000000000000000000000' as CaseId,
      account: sequence % 2 === 0 ? 'even' : 'odd',
    } as CaseEvent['case'],
    because: { source: 'operator' },
    at: 1,
  })
  let reads: [partition: number, limit: number][]

  /** Two partitions with entries 1-0 to 2000-0 each. */
  async function readPartition(partition: number, position: string, limit: number) {
    reads.push([partition, limit])
    const from = Number(position.split('-')[0])
    const count = Math.min(limit, 2_000 - from)
    return Array.from({ length: count }, (_, i) => ({
      partition,
      position: `${from + i + 1}-0`,
      event: event(from + i + 1),
    }))
  }

  beforeEach(() => {
    reads = []
  })

  const all = replayMatcherOf({}, { types: [], accounts: [] })

  it('is exact at both ends', async () => {
    const count = createCountStretch({ readPartition })
    assert.deepEqual(await count({ from: ['0-0', '10-0'], until: ['2000-0', '11-0'] }, all), { count: 2_001 })
    assert.deepEqual(await count({ from: ['499-0', '5-0'], until: ['500-0', '5-0'] }, all), { count: 1 })
  })

  it('reads nothing where there is nothing to read', async () => {
    const count = createCountStretch({ readPartition })
    assert.deepEqual(await count({ from: ['5-0', '9-0'], until: ['5-0', '3-0'] }, all), { count: 0 })
    assert.deepEqual(reads, [])
  })

  it('counts what is taken alone', async () => {
    const odd = replayMatcherOf({ types: ['tallyhook.case.*'] }, { types: [], accounts: ['odd'] })
    const none = replayMatcherOf({ types: ['tallyhook.batch.*'] }, { types: [], accounts: ['odd'] })
    const count = createCountStretch({ readPartition })
    const range = { from: ['0-0', '0-0'], until: ['100-0', '0-0'] }
    assert.deepEqual([await count(range, odd), await count(range, none)], [{ count: 50 }, { count: 0 }])
  })

  it('is left off when enough was read, and says so', async () => {
    const count = createCountStretch({ readPartition, readMax: 1_200 })
    const range = { from: ['0-0', '0-0'], until: ['2000-0', '2000-0'] }
    assert.deepEqual(await count(range, all), { count: 1_200, atLeast: true })
    assert.equal(
      reads.reduce((sum, [, limit]) => sum + limit, 0),
      1_200,
    )
    // Exactly so much is not more.
    const exact = createCountStretch({ readPartition, readMax: 2_000 })
    assert.deepEqual(await exact({ from: ['0-0', '0-0'], until: ['2000-0', '0-0'] }, all), { count: 2_000 })
  })
})
