import assert from 'node:assert/strict'
import type { SubscriptionId } from '../../../src/domain/ids.ts'
import type { Line } from '../../../src/domain/line.ts'
import { encodeLine } from '../../../src/store/run-write.ts'
import type { RunCommit } from '../../../src/store/runs.ts'
import type { DeliverDeps, Walk } from '../../../src/workers/deliver/deps.ts'
import { createLines } from '../../../src/workers/deliver/lines.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { ids } from '../../support/store.ts'

describe('a line', () => {
  it('is not sent of any more when it had to wait for its place until its mark was nearly over', async () => {
    let now = 1_000_000
    const asked: boolean[] = []
    const commits: RunCommit[] = []
    const subject = ids.subscriptionId()
    const event = { position: '1-0', id: 'ev-1' as Line['events'][number]['id'], type: 'tallyhook.x.v1' }
    const line: Line = { events: [event], attempts: 1, nextAt: 0 }
    const walk: Walk = {
      place: { run: ids.runId(), partition: 0 },
      target: { subscription: 'sub-1' as SubscriptionId, endpoint: async () => undefined },
      isWanted: () => true,
      isCurrent: async () => true,
      from: '0-0',
    }
    const deps = {
      runs: {
        async commitLines(_: unknown, commit: RunCommit) {
          commits.push(commit)
          return true
        },
        findLines: async () => [],
      },
      desk: { openUntil: () => undefined },
      readEvents: async () => new Map([['1-0', {}]]),
      terms: { timeoutMs: 15_000, retryMs: 1, pageMax: 1, patienceMs: 1, turnMs: 1 },
      clock: () => now,
      random: () => 0.5,
      logger: createMemoryLogger(),
    } as unknown as DeliverDeps
    const lines = createLines({
      ...deps,
      leave: { maySend: () => true, signal: new AbortController().signal },
      async offer(_target, _event, { maySend }) {
        now += 10_000
        asked.push(maySend())
        return { outcome: 'held' }
      },
    })
    await lines.start(walk, [{ subject, text: encodeLine(line), line }])
    await lines.idle()
    assert.deepEqual(asked, [false])
    const { underWay, nextAt } = commits.at(-1)?.lines[0]?.after ?? {}
    assert.deepEqual([underWay, nextAt], [undefined, now])
  })
})
