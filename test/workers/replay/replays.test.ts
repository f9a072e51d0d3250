import assert from 'node:assert/strict'
import type { ReplayPlan } from '../../../src/domain/callback-replay.ts'
import { caseIdOfReceipt, type ReceiptId } from '../../../src/domain/ids.ts'
import { typeOf } from '../../../src/events/envelope.ts'
import { sealedGroupJob, singleJob } from '../../../src/queue/catalogue.ts'
import { describeDisbursement } from '../../../src/sandbox/signed-callback.ts'
import { createReplayWorld, type ReplayWorld } from '../../support/replaying.ts'
import {
  findTransfer,
  ids,
  keyring,
  readAllEvents,
  readLog,
  receiptOf,
  registerIn,
} from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { disbursement, newReference, testAccount } from '../../support/zenospay.ts'

const asked = { by: 'operator', reason: 'The new status is understood now.', perSecond: 1_000 }
const everything = { query: {}, ...asked }

describe('replay of callbacks', () => {
  let world: ReplayWorld

  beforeEach(async () => {
    world = await createReplayWorld()
  })
  afterEach(() => world.stop())

  const factsOf = async (id: string) =>
    (await readAllEvents(world.store)).filter(({ intent }) => intent.id === id).map(({ fact }) => fact.name)
  const stateOf = async (id: Parameters<typeof findTransfer>[1]) =>
    (await findTransfer(world.store, id)).state
  const caseOf = (receipt: ReceiptId | undefined) =>
    world.cases.find(caseIdOfReceipt(receipt ?? ('' as ReceiptId)))

  it('applies what failed once the translation is mended: the job goes, and its case is settled', async () => {
    const reference = newReference()
    const transfer = await registerIn(world.store, reference)
    world.breakWith('The status "settled" is not known.')
    const [receipt] = await world.callBack({ reference })
    assert.deepEqual(await world.failedIds(), [receipt])
    assert.equal((await caseOf(receipt))?.state, 'open')
    world.mend()
    world.startRunner()
    const { replay } = await world.replays.begin(everything)
    const ended = await world.ended(replay.id)
    assert.deepEqual(ended.replay.outcomes, { applied: 1 })
    assert.equal(await stateOf(transfer.id), 'succeeded')
    assert.deepEqual(await world.failedIds(), [])
    const settled = await caseOf(receipt)
    assert.ok(settled?.state === 'resolved' && settled.resolution === 'applied')
  })

  it('says beforehand what then happens: outcomes, changes, value, events and what fails again', async () => {
    const references = Array.from({ length: 4 }, newReference)
    const [paid, wrong, unregistered, done] = references as [string, string, string, string]
    const transfer = await registerIn(world.store, paid)
    const held = await registerIn(world.store, wrong)
    const known = await registerIn(world.store, done)
    await world.callBack({ reference: done })
    world.breakWith('The status "settled" is not known.')
    await world.callBack(
      { reference: paid, status: 'pending' },
      { reference: wrong, amount: '1.00' },
      { reference: paid },
      { reference: unregistered },
      { reference: done },
    )
    await world.bring([receiptOf('not JSON')])
    world.mend()
    const plan = await world.replays.plan({})
    const before = await countTypes()
    assert.equal(plan.callbacks, 6)
    assert.deepEqual(
      plan.failures.map(({ code, count }) => [code, count]),
      [['callback-not-understood', 1]],
    )
    assert.deepEqual(
      plan.intents.map(({ intent, callbacks }) => [intent, callbacks]),
      [
        [transfer.id, 2],
        [held.id, 1],
      ],
    )
    assert.deepEqual(plan.value, [{ value: '50000.00', currency: 'IDR' }])
    assert.deepEqual(plan.intents[0]?.from, { state: 'registered', held: false })
    assert.deepEqual(plan.intents[0]?.to, { state: 'succeeded', held: false })
    assert.equal(await stateOf(transfer.id), 'registered', 'a plan changes nothing')
    assert.equal((await world.failedIds()).length, 6)

    world.startRunner()
    const begun = await world.replays.begin(everything)
    assert.deepEqual(begun.plan, plan)
    const ended = await world.ended(begun.replay.id)
    assert.deepEqual(ended.replay.outcomes, plan.outcomes)
    assert.deepEqual(await countedSince(before), plan.events)
    assert.deepEqual(
      ended.failures.map(({ code }) => code),
      ['callback-not-understood'],
    )
    assert.equal((await findTransfer(world.store, held.id)).hold?.reason, 'amount-differs')
    assert.equal((await findTransfer(world.store, known.id)).sequence, known.sequence + 1)
    assert.equal((await world.failedIds()).length, 1)
  })

  async function countTypes(): Promise<ReplayPlan['events']> {
    const types: ReplayPlan['events'] = {}
    for (const event of await readLog(world.store)) types[typeOf(event)] = (types[typeOf(event)] ?? 0) + 1
    return types
  }

  async function countedSince(before: ReplayPlan['events']): Promise<ReplayPlan['events']> {
    const news = Object.entries(await countTypes()).map(([type, count]) => [
      type,
      count - (before[type] ?? 0),
    ])
    return Object.fromEntries(news.filter(([, count]) => count !== 0))
  }

  it('keeps the order of each transfer, whatever the order in which its jobs failed', async () => {
    const reference = newReference()
    const transfer = await registerIn(world.store, reference)
    world.breakWith('Not known.')
    const came = ['pending', 'success'].map((status) => said(reference, status))
    await world.bring(came.toReversed())
    assert.equal((await world.failedIds()).length, 2)
    world.mend()
    world.startRunner()
    const { replay } = await world.replays.begin(everything)
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, { applied: 2 })
    assert.deepEqual(await factsOf(transfer.id), ['registered', 'processing', 'succeeded'])
  })

  it('goes on after a crash in the middle, and applies nothing twice', async () => {
    const references = Array.from({ length: 12 }, newReference)
    const transfers = []
    for (const reference of references) transfers.push(await registerIn(world.store, reference))
    world.breakWith('Not known.')
    await world.callBack(...references.map((reference) => ({ reference })))
    world.mend()
    let goes = 0
    // It dies after these were applied, and before that is noted or any job has gone.
    const dying = world.startRunner(
      async (receipts) => {
        const applied = await world.reconcile.applyEach(receipts)
        return ++goes === 2 ? new Promise(() => {}) : applied
      },
      { leaseMs: 300 },
    )
    const { replay } = await world.replays.begin({ ...everything, perSecond: 30 })
    await until('the crash', () => goes === 2)
    await dying.stop({ force: true })
    const { done } = (await world.replays.find(replay.id)).replay
    assert.ok(done > 0 && done < 12, `${done} are noted`)
    world.startRunner()
    const ended = await world.ended(replay.id)
    assert.equal(ended.replay.done, 12)
    assert.deepEqual(ended.replay.outcomes, { applied: 12 })
    for (const { id } of transfers) assert.deepEqual(await factsOf(id), ['registered', 'succeeded'])
    assert.deepEqual(await world.failedIds(), [])
  })

  it('changes nothing where it is replayed a second time, from what is recorded', async () => {
    const reference = newReference()
    const transfer = await registerIn(world.store, reference)
    const [receipt] = await world.callBack({ reference })
    const log = await readLog(world.store)
    world.startRunner()
    const query = { ids: [String(receipt)] }
    const { replay, plan } = await world.replays.begin({ query, ...asked })
    assert.deepEqual(plan.outcomes, { applied: 1 })
    assert.deepEqual([plan.changes, plan.events], [0, {}])
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, { applied: 1 })
    assert.deepEqual(await readLog(world.store), log)
    const whole = await world.replays.plan({ from: ['recorded'], account: testAccount.id })
    assert.equal(whole.callbacks, 1)
    assert.equal((await world.replays.plan({ from: ['recorded'], reference })).callbacks, 1)
    assert.equal((await world.replays.plan({ ids: [transfer.id] })).callbacks, 1)
    assert.equal((await world.replays.plan({ from: ['recorded'], account: 'other' })).callbacks, 0)
  })

  it('stops when it is aborted, and goes on when it is resumed', async () => {
    const references = Array.from({ length: 6 }, newReference)
    world.breakWith('Not known.')
    await world.callBack(...references.map((reference) => ({ reference })))
    world.mend()
    world.startRunner()
    const { replay } = await world.replays.begin({ ...everything, perSecond: 2 })
    await until('a first step', async () => (await world.replays.find(replay.id)).replay.done > 0)
    assert.equal((await world.replays.abort(replay.id)).state, 'aborted')
    const { done } = (await world.replays.find(replay.id)).replay
    assert.ok(done < 6)
    assert.ok((await world.failedIds()).length > 0)
    assert.equal((await world.replays.abort(replay.id)).state, 'aborted', 'a second time changes nothing')
    assert.equal((await world.replays.resume(replay.id)).state, 'running')
    const ended = await world.ended(replay.id)
    assert.deepEqual(ended.replay.outcomes, { parked: 6 })
    assert.deepEqual(await world.failedIds(), [])
    await assert.rejects(world.replays.resume(replay.id), /replay-ended/)
  })

  it('takes no more of them at once than may run', async () => {
    world.breakWith('Not known.')
    await world.callBack({ reference: newReference() })
    for (let i = 0; i < 5; i++) await world.replays.begin(everything)
    await assert.rejects(world.replays.begin(everything), /too-many-replays/)
    const [newest] = await world.replays.list()
    await world.replays.abort(newest?.id ?? '')
    await world.replays.begin(everything)
    await assert.rejects(world.replays.resume(newest?.id ?? ''), /too-many-replays/)
  })

  it('chooses by account, code, time, reference and id', async () => {
    const [one, other] = [newReference(), newReference()]
    world.breakWith('Not known.')
    const before = Date.now()
    const came = await world.callBack({ reference: one }, { reference: other })
    world.mend()
    const count = async (query: Parameters<typeof world.replays.plan>[0]) =>
      (await world.replays.plan(query)).callbacks
    assert.equal(await count({}), 2)
    assert.equal(await count({ account: 'other' }), 0)
    assert.equal(await count({ code: 'callback-not-understood' }), 2)
    assert.equal(await count({ code: 'parking-full' }), 0)
    assert.equal(await count({ since: before - 1_000 }), 2)
    assert.equal(await count({ until: before - 1_000 }), 0)
    assert.equal(await count({ reference: one }), 1)
    assert.equal(await count({ ids: [came[1] ?? ''] }), 1)
    assert.equal(await count({ ids: [caseIdOfReceipt(came[1] as ReceiptId)] }), 1)
  })

  it('decides anew what waits under a name that was misread', async () => {
    const reference = newReference()
    const transfer = await registerIn(world.store, reference)
    const receipt = said(reference, 'success')
    const misread = (await registerIn(world.store, newReference())).id.replace(
      /.$/,
      'z',
    ) as typeof transfer.id
    const open = { ...receipt, opened: keyring.open(receipt.body, `receipt:${receipt.id}`) }
    await world.store.intents.parkAll([{ target: misread, account: testAccount.id, receipt: open }])
    assert.deepEqual((await world.replays.plan({ from: ['parked'] })).outcomes, { applied: 1 })
    world.startRunner()
    const { replay } = await world.replays.begin({ query: { from: ['parked'] }, ...asked })
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, { applied: 1 })
    assert.equal(await stateOf(transfer.id), 'succeeded')
    assert.deepEqual(await world.parked.under(misread), [])
  })

  it('leaves what waits for its transfer where it waits', async () => {
    const [receipt] = await world.callBack({ reference: newReference() })
    world.startRunner()
    const { replay } = await world.replays.begin({ query: { ids: [String(receipt)] }, ...asked })
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, { parked: 1 })
    assert.equal((await world.replays.plan({ from: ['parked'] })).callbacks, 1)
  })

  it('replays a group that failed as a whole, since nothing could unseal it', async () => {
    const references = [newReference(), newReference()]
    const transfers = []
    for (const reference of references) transfers.push(await registerIn(world.store, reference))
    const id = ids.jobId()
    const open = references.map((reference) => {
      const { body, ...head } = said(reference, 'success')
      return { ...head, opened: keyring.open(body, `receipt:${head.id}`) }
    })
    const broken = said(newReference(), 'settled')
    const third = { ...broken, opened: keyring.open(broken.body, `receipt:${broken.id}`) }
    const job = sealedGroupJob(id, [...open, third], keyring.seal)
    // As where its key was not there.
    await world.queue.addBulk([{ ...job, data: { ...job.data, bodies: 'x' } as typeof job.data }])
    await world.idle()
    assert.deepEqual(await world.failedIds(), [id])
    assert.equal((await caseOf(open[0]?.id))?.state, 'open')
    assert.equal((await world.replays.plan({})).failures[0]?.code, 'cannot-unseal')
    await (await world.queue.getJob(id))?.updateData(job.data)
    world.startRunner()
    const { replay, plan } = await world.replays.begin(everything)
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, plan.outcomes)
    assert.deepEqual(plan.outcomes, { applied: 2, failed: 1 })
    for (const transfer of transfers) assert.equal(await stateOf(transfer.id), 'succeeded')
    assert.equal((await caseOf(open[0]?.id))?.state, 'resolved')
    // What fails of it is a job of its own by then.
    await until('its job', async () => (await world.failedIds()).join() === broken.id)
    assert.equal((await caseOf(broken.id))?.state, 'open')
  })

  it('foresees that there is no room for what has to wait', async () => {
    await world.stop()
    world = await createReplayWorld({ parkedMax: 4 })
    world.breakWith('Not known.')
    await world.callBack(...Array.from({ length: 12 }, () => ({ reference: newReference() })))
    world.mend()
    world.startRunner()
    const { replay, plan } = await world.replays.begin(everything)
    assert.deepEqual((await world.ended(replay.id)).replay.outcomes, plan.outcomes)
    assert.equal(plan.failures[0]?.code, 'parking-full')
    assert.equal((plan.outcomes.parked ?? 0) + (plan.outcomes.failed ?? 0), 12)
    assert.equal((await world.failedIds()).length, plan.outcomes.failed)
  })

  it('passes over what somebody else has seen to since it was chosen', async () => {
    const references = [newReference(), newReference()]
    for (const reference of references) await registerIn(world.store, reference)
    world.breakWith('Not known.')
    const [removed, retried] = await world.callBack(...references.map((reference) => ({ reference })))
    world.mend()
    const { replay } = await world.replays.begin(everything)
    await (await world.queue.getJob(String(removed)))?.remove()
    await (await world.queue.getJob(String(retried)))?.retry()
    await world.idle()
    world.startRunner()
    const { replay: ended, failures } = await world.ended(replay.id)
    assert.deepEqual(ended.outcomes, { failed: 1, applied: 1 })
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['not-found'],
    )
    assert.equal((await caseOf(removed))?.code, 'callback-not-understood', 'its case stays as it was')
  })

  it('replays a job that has used all its attempts', async () => {
    const reference = newReference()
    const transfer = await registerIn(world.store, reference)
    world.breakWith('Not known.')
    const receipt = said(reference, 'success')
    const job = singleJob(receipt)
    await world.queue.addBulk([{ ...job, opts: { ...job.opts, attempts: 1 } }])
    await world.idle()
    world.mend()
    world.startRunner()
    const { replay } = await world.replays.begin(everything)
    await world.ended(replay.id)
    assert.equal(await stateOf(transfer.id), 'succeeded')
    assert.deepEqual(await world.failedIds(), [])
  })
})

function said(reference: string, status: string) {
  return receiptOf(describeDisbursement(disbursement({ reference, status })))
}
