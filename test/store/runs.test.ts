import assert from 'node:assert/strict'
import type { EventId, RunId, SubscriptionId } from '../../src/domain/ids.ts'
import type { Line, Subject } from '../../src/domain/line.ts'
import { encodeLine } from '../../src/store/run-write.ts'
import { createRuns, type Runs } from '../../src/store/runs.ts'
import { createTestClients } from '../support/redis.ts'
import { createTestStore, ids, type TestStore } from '../support/store.ts'

describe('runs', () => {
  const clients = createTestClients()
  let store: TestStore
  let runs: Runs
  let run: RunId
  let subscription: SubscriptionId
  const partition = 1

  beforeEach(async () => {
    store = createTestStore(await clients.open(), 2)
    runs = createRuns(store)
    run = ids.runId()
    subscription = ids.subscriptionId()
  })
  afterEach(() => clients.closeAll())

  const place = () => ({ partition, run })
  const from = () => ({ position: '0-0', subscription })
  const empty = () => ({ subscription, lines: [], notes: [], at: 1_000 })
  const lineAt = (nextAt: number): Line => ({
    events: [{ position: '5-0', id: 'ev-tr-a-1' as EventId, type: 'tallyhook.transfer.failed.v1' }],
    attempts: 1,
    nextAt,
  })
  const subject = 'tr-a' as Subject
  const write = (text: string, after: Line | undefined) => ({ ...empty(), lines: [{ subject, text, after }] })

  it('stands where it was begun until it is claimed; of two who claim it one has it', async () => {
    assert.equal((await runs.read(place(), 0, 10)).cursor, undefined)
    const claims = await Promise.all([
      runs.claim(place(), undefined, from()),
      runs.claim(place(), undefined, from()),
    ])
    assert.equal(claims.filter((one) => one).length, 1)
    assert.equal((await runs.read(place(), 0, 10)).cursor?.position, '0-0')
  })

  it('who was overtaken writes no page any more', async () => {
    const mine = await runs.claim(place(), undefined, from())
    const theirs = await runs.claim(place(), mine, from())
    assert.ok(mine && theirs)
    assert.deepEqual(await runs.commitPage(place(), mine, '9-0', empty()), { outcome: 'lost' })
    assert.equal((await runs.commitPage(place(), theirs, '9-0', empty())).outcome, 'written')
  })

  it('a page whose lines have changed writes nothing', async () => {
    const cursor = await runs.claim(place(), undefined, from())
    assert.ok(cursor)
    await runs.commitLines(place(), write('', lineAt(2_000)))
    const page = await runs.commitPage(place(), cursor, '9-0', write('', lineAt(3_000)))
    assert.deepEqual(page, { outcome: 'lines-changed' })
    assert.equal((await runs.read(place(), 0, 10)).cursor?.position, '0-0')
  })

  it('asks to be looked at when the first of its lines is due, and not where it has none', async () => {
    await runs.commitLines(place(), write('', lineAt(2_000)))
    assert.deepEqual(await runs.due(partition, 1_999, 10), [])
    assert.deepEqual(await runs.due(partition, 2_000, 10), [run])
    const { due, lines } = await runs.read(place(), 2_000, 10)
    assert.deepEqual([due[0]?.line, lines], [lineAt(2_000), 1])
    assert.equal(await runs.commitLines(place(), write('{}', undefined)), false)
    assert.equal(await runs.commitLines(place(), write(encodeLine(lineAt(2_000)), undefined)), true)
    assert.deepEqual(await runs.due(partition, 9_000, 10), [])
  })

  it('counts what became of events, and tells it of every partition', async () => {
    const note = {
      event: 'ev-tr-a-1' as EventId,
      type: 'tallyhook.transfer.failed.v1',
      subject,
      position: '5-0',
      run,
      number: 1,
    }
    const notes = (['delivered', 'failed', 'skipped', 'delivered'] as const).map((outcome) => ({
      ...note,
      outcome,
    }))
    await runs.commitLines(place(), { ...empty(), notes })
    const [, second] = await runs.progressOf(run)
    assert.deepEqual([second?.delivered, second?.failed, second?.skipped], [2, 1, 1])
  })

  it('leaves nothing when it is forgotten', async () => {
    await runs.claim(place(), undefined, from())
    await runs.commitLines(place(), write('', lineAt(2_000)))
    await runs.wake(run, 1_000)
    await runs.forget(place())
    assert.deepEqual(await runs.waiting(partition), [])
    assert.equal((await runs.cursors(partition)).size, 0)
    assert.deepEqual(await runs.listLines(place(), { limit: 10 }), [])
  })
})
