import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { openHeldCase } from '../../src/domain/case.ts'
import { decide } from '../../src/domain/decide.ts'
import type { Step } from '../../src/domain/decision.ts'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import type { CaseId } from '../../src/domain/ids.ts'
import type { ResolutionAction } from '../../src/domain/observation.ts'
import { describePerson } from '../../src/domain/person.ts'
import type { Receipt } from '../../src/domain/receipt.ts'
import type { Transfer } from '../../src/domain/transfer.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { batchIdOf, memberIdOf, transferIdOf } from '../../src/store/ids.ts'
import { readTotals } from '../../src/store/totals.ts'
import type { Reconcile } from '../../src/workers/reconcile.ts'
import { createTestCaseParts, type TestCaseParts } from '../support/case-parts.ts'
import { seenSubmission } from '../support/intents.ts'
import { createTestClients } from '../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  digestPerson,
  findTransfer,
  readAllEvents,
  readLog,
  receiptOf,
  registerIn,
  type TestStore,
} from '../support/store.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('resolving what is held', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let reconcile: Reconcile
  let parts: TestCaseParts
  let reference: string

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(async () => {
    store = createTestStore(redis)
    reconcile = createTestReconcile(store)
    parts = createTestCaseParts(store, { reconcile })
    reference = newReference()
    await registerIn(store, reference)
  })
  after(() => clients.closeAll())

  const callback = (fields: Parameters<typeof disbursement>[0] = {}): Receipt =>
    receiptOf(describeDisbursement(disbursement({ reference, ...fields })))
  const apply = async (fields?: Parameters<typeof disbursement>[0]) => {
    const receipt = callback(fields)
    return { receipt: receipt.id, outcome: (await reconcile.applyOne(receipt)).outcome }
  }
  const current = () => findTransfer(store, transferIdOf(testAccount.id, reference))
  const caseOf = ({ hold }: Transfer): CaseId => hold?.case ?? assert.fail('It is not held.')
  const facts = async () => (await readAllEvents(store)).map(({ fact }) => fact.name)
  const outcomeOf = async (receipt: Receipt['id']) =>
    (await store.intents.findReceipt((await current()).id, receipt))?.outcome

  const resolve = async (action: ResolutionAction, more: { id?: CaseId; receipt?: string } = {}) =>
    parts.resolve({ ...more, id: more.id ?? caseOf(await current()), by: 'ops', reason: 'Checked.', action })
  const refused = (promise: Promise<unknown>, code: ErrorCode, detail?: RegExp) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof AppError)
      assert.equal(error.code, code)
      if (detail) assert.match(error.detail, detail)
      return true
    })

  it('takes theirs: another amount is what moved, and the same said again holds nothing', async () => {
    await apply({ amount: '25000.01' })
    const id = caseOf(await current())
    assert.equal((await resolve('take-theirs')).outcome, 'resolved')
    const after = await current()
    assert.deepEqual([after.state, after.hold, after.amount.minor], ['succeeded', undefined, 2500000n])
    assert.equal(after.settledAmount?.minor, 2500001n)
    assert.deepEqual(await facts(), ['registered', 'held', 'released', 'succeeded'])
    const last = (await readAllEvents(store)).at(-1)
    assert.deepEqual(
      [last?.because.source, last?.because.by, last?.because.reason],
      ['operator', 'ops', 'Checked.'],
    )
    assert.equal((await apply({ amount: '25000.01', updatedAt: Date.now() + 1 })).outcome, 'repeat')
    const one = await parts.cases.find(id)
    assert.ok(one?.state === 'resolved' && one.resolution === 'by-person')
    assert.deepEqual([one.action, one.resolvedBy], ['take-theirs', 'ops'])
  })

  it('takes theirs against a final state as a correction', async () => {
    const ours = disbursement({ reference })
    await reconcile.applyOne(receiptOf(describeDisbursement(ours)))
    await apply({ status: 'fail' })
    await resolve('take-theirs')
    const after = await current()
    assert.deepEqual([after.state, after.settledAt], ['failed', undefined])
    assert.equal(after.failure?.code, 'declined-by-provider')
    assert.equal((await facts()).at(-1), 'corrected')
    assert.equal((await apply()).outcome, 'repeat', 'what was given up holds nothing')
    const later = { updatedAt: Date.now() + 60_000 }
    assert.equal((await apply(later)).outcome, 'held', 'what happened after the ruling is news')
  })

  it('keeps ours, and applies what was true and came meanwhile', async () => {
    const wrong = await apply({ amount: '1.00' })
    const right = await apply()
    assert.deepEqual([wrong.outcome, right.outcome], ['held', 'awaits-person'])
    await resolve('keep-ours')
    assert.deepEqual(
      [(await current()).state, (await current()).settledAmount],
      ['succeeded', undefined],
      'the right one was decided anew',
    )
    assert.equal(await outcomeOf(right.receipt), 'applied')
    assert.equal(await outcomeOf(wrong.receipt), 'held')
    assert.deepEqual(await facts(), ['registered', 'held', 'released', 'succeeded'])
    assert.equal((await apply({ amount: '1.00' })).outcome, 'repeat')
  })

  it('takes the word of a later receipt, which is then applied and not decided again', async () => {
    await apply({ amount: '1.00' })
    const second = await apply({ amount: '2.00' })
    const resolving = createTestCaseParts(store)
    const id = caseOf(await current())
    const said = { id, by: 'ops', reason: 'Checked.', action: 'take-theirs' } as const
    await resolving.resolve({ ...said, receipt: second.receipt })
    assert.equal(await redis.hlen(store.keys.ready(store.keys.partitionOf(id))), 0)
    assert.equal((await current()).settledAmount?.minor, 200n)
    assert.equal(await outcomeOf(second.receipt), 'applied')
    assert.equal((await current()).hold, undefined)
  })

  it('cancels, and what happened is held no more by what was ruled on', async () => {
    await apply({ amount: '1.00' })
    await resolve('cancel')
    assert.equal((await current()).state, 'cancelled')
    assert.equal((await apply({ amount: '1.00' })).outcome, 'repeat')
    assert.equal((await apply()).outcome, 'held', 'a success of what is cancelled')
  })

  it('asks the provider at each hold, also of what is final', async () => {
    await apply()
    const { id } = await current()
    const watched = () => redis.zscore(store.keys.watch(store.keys.partitionOf(id), testAccount.id), id)
    assert.equal(await watched(), null)
    const from = Date.now()
    await apply({ status: 'fail' })
    assert.ok(Number(await watched()) <= Date.now() && (await watched()) !== null)
    assert.ok(Number(await watched()) <= from + 1000)
    const final = store.keys.final(store.keys.partitionOf(id), testAccount.id)
    assert.equal(await redis.zscore(final, id), null, 'it must not leave while somebody has to decide')
    await resolve('keep-ours')
    assert.equal(await watched(), null)
    assert.notEqual(await redis.zscore(final, id), null)
  })

  it('asks the provider at once about what was let go and is not over', async () => {
    await apply({ amount: '1.00' })
    const { id } = await current()
    const watch = store.keys.watch(store.keys.partitionOf(id), testAccount.id)
    await redis.zadd(watch, Date.now() + 3_600_000, id)
    await resolve('keep-ours')
    assert.ok(Number(await redis.zscore(watch, id)) <= Date.now())
  })

  describe('of an order that was refused', () => {
    beforeEach(async () => {
      const before = {
        ...(await current()),
        state: 'submitted',
        submission: { step: 'sending', at: 1 },
      } as const
      const seen = seenSubmission({ status: 'refused', remedy: 'operator' })
      const decision = decide(before, seen, Date.now())
      const held = 'steps' in decision ? (decision.steps.at(-1)?.intent as Transfer) : assert.fail()
      assert.ok(held.hold && decision.verdict === 'held')
      await store.intents.commit({
        before: await current(),
        steps: decision.steps as Step[],
        because: { source: 'submission', reason: 'refused-by-provider' },
        case: { after: openHeldCase({ ...held, hold: held.hold }, undefined, Date.now()) },
        at: Date.now(),
      })
    })

    it('sends it again where nothing more was said', async () => {
      await resolve('keep-ours')
      const { submission, state } = await current()
      assert.deepEqual([submission?.step, state], ['waiting', 'submitted'])
    })

    it('does not send it again, nor call it off, where the provider has told of the money since', async () => {
      assert.equal((await apply()).outcome, 'awaits-person')
      await refused(resolve('cancel'), 'cannot-resolve', /may have been paid/)
      await resolve('keep-ours')
      const { submission, state } = await current()
      assert.deepEqual([submission?.step, state], ['sending', 'succeeded'])
    })

    it('does as before where what came since says nothing', async () => {
      assert.equal((await apply({ status: 'pending' })).outcome, 'stale')
      await resolve('cancel')
      assert.equal((await current()).state, 'cancelled')
    })
  })

  it('attaches the answer of the query, though it says what a callback said before', async () => {
    await apply()
    await apply({ status: 'fail' })
    const providers = new Map([
      [
        testAccount.id,
        {
          ...parts.provider,
          translate: (body: Buffer) => {
            const said = parts.provider.translate(body)
            if (said.outcome === 'understood') said.observation.source = 'query'
            return said
          },
        },
      ],
    ])
    const asking = createTestReconcile(store, { providers })
    const answer = callback({ status: 'fail' })
    assert.equal((await asking.applyOne(answer)).outcome, 'awaits-person')
    assert.equal((await asking.applyOne(callback({ status: 'fail' }))).outcome, 'repeat', 'once is enough')
    const one = await parts.cases.find(caseOf(await current()))
    assert.ok(one?.kind === 'held')
    assert.equal(one.receipts.length, 2)
    assert.equal(one.receipts[1], answer.id)
  })

  it('shows a flood of the same thing once', async () => {
    await apply({ amount: '1.00' })
    for (let i = 0; i < 5; i++) {
      await apply({ amount: '1.00' })
      await apply({ amount: '1.00', updatedAt: Date.now() + i })
    }
    const one = await parts.cases.find(caseOf(await current()))
    assert.equal(one?.kind === 'held' && one.receipts.length, 1)
  })

  it('is one resolution, however often and from however many it is asked for', async () => {
    await apply({ amount: '1.00' })
    const id = caseOf(await current())
    const answers = await Promise.all(Array.from({ length: 8 }, () => resolve('take-theirs', { id })))
    assert.equal(answers.filter(({ outcome }) => outcome === 'resolved').length, 1)
    assert.equal((await facts()).filter((name) => name === 'released').length, 1)
    await refused(resolve('keep-ours', { id }), 'case-resolved')
    await refused(
      parts.resolve({ id, by: 'other', reason: 'Checked.', action: 'take-theirs' }),
      'case-resolved',
    )
  })

  it('decides again when a callback came in between', async () => {
    await apply({ amount: '1.00' })
    let late: Awaited<ReturnType<typeof apply>> | undefined
    const racing = createTestCaseParts(store, {
      reconcile,
      intents: {
        ...store.intents,
        commit: async (request) => {
          late ??= await apply()
          return store.intents.commit(request)
        },
      },
    })
    const id = caseOf(await current())
    await racing.resolve({ id, by: 'ops', reason: 'Checked.', action: 'keep-ours' })
    assert.equal(late?.outcome, 'awaits-person')
    assert.equal(late && (await outcomeOf(late.receipt)), 'applied')
    assert.equal((await current()).state, 'succeeded')
  })

  it('opens and resolves the case in the feed, numbered, and leaves no gap in either', async () => {
    await apply({ amount: '1.00' })
    await resolve('keep-ours')
    await apply({ amount: '2.00' })
    const cases = (await readLog(store)).flatMap((event) => ('case' in event ? [event] : []))
    assert.deepEqual(
      cases.map(({ fact: { name, sequence } }) => [name, sequence]),
      [
        ['opened', 1],
        ['resolved', 2],
        ['opened', 1],
      ],
    )
    assert.equal(new Set(cases.map((event) => event.case.id)).size, 2)
    const numbers = (await readAllEvents(store)).map(({ fact }) => fact.sequence)
    assert.deepEqual(numbers, [1, 2, 3, 4])
  })

  it('finds who was paid in truth by the number that was accepted', async () => {
    await apply({ accountNumber: '555-000-1234' })
    await resolve('take-theirs')
    const after = await current()
    const digest = digestPerson(describePerson('bank', '5550001234'))
    assert.equal(after.payee.accepted, digest)
    const partition = store.keys.partitionOf(after.id)
    assert.notEqual(await redis.zscore(store.keys.payee(partition, digest), after.id), null)
    assert.equal((await apply({ accountNumber: '5550001234', updatedAt: Date.now() })).outcome, 'repeat')
  })

  it('moves the sums of its batch', async () => {
    const batch = batchIdOf(testAccount.id, 'batch-1')
    const id = memberIdOf(batch, reference)
    await registerIn(store, `${reference}-m`, { id, batch, reference })
    const held = await findTransfer(store, id)
    const totals = async () => readTotals(await redis.hgetall(store.keys.totals(batch))).totals
    assert.deepEqual((await totals()).registered, { count: 1, minor: 2500000n })
    const member = createTestReconcile(store, { providers: inBatch('batch-1') })
    const receipt = callback({ amount: '24000.00' })
    assert.equal((await member.applyOne(receipt)).outcome, 'held')
    const memberParts = createTestCaseParts(store, { providers: inBatch('batch-1') })
    const caseId = caseOf(await findTransfer(store, held.id))
    await memberParts.resolve({ id: caseId, by: 'ops', reason: 'Checked.', action: 'take-theirs' })
    assert.deepEqual((await totals()).registered, { count: 0, minor: 0n })
    assert.deepEqual((await totals()).succeeded, { count: 1, minor: 2400000n })
  })

  it('adds up where they took nothing at all', async () => {
    const batch = batchIdOf(testAccount.id, 'batch-1')
    const id = memberIdOf(batch, reference)
    await registerIn(store, `${reference}-m`, { id, batch, reference })
    const member = createTestReconcile(store, { providers: inBatch('batch-1') })
    const memberParts = createTestCaseParts(store, { providers: inBatch('batch-1') })
    await member.applyOne(callback({ amount: '0.00', status: 'pending' }))
    const caseId = caseOf(await findTransfer(store, id))
    await memberParts.resolve({ id: caseId, by: 'ops', reason: 'Checked.', action: 'take-theirs' })
    assert.equal((await member.applyOne(callback({ amount: '0.00' }))).outcome, 'applied')
    const { totals } = readTotals(await redis.hgetall(store.keys.totals(batch)))
    assert.deepEqual(totals.processing, { count: 0, minor: 0n })
    assert.deepEqual(totals.succeeded, { count: 1, minor: 0n })
  })

  function inBatch(batch: string) {
    const { provider } = parts
    return new Map([
      [
        testAccount.id,
        {
          ...provider,
          translate: (body: Buffer) => {
            const said = provider.translate(body)
            if (said.outcome === 'understood' && said.observation.kind === 'transfer')
              said.observation.batch = batch
            return said
          },
        },
      ],
    ])
  }

  describe('refuses', () => {
    it('what no hold can take', async () => {
      const { receipt } = await apply({ amount: '1.00' })
      const id = caseOf(await current())
      const said = { id, by: 'ops', reason: 'Checked.' }
      await refused(parts.resolve(said), 'invalid-request')
      await refused(resolve('keep-ours', { receipt }), 'invalid-request')
      await refused(resolve('take-theirs', { receipt: callback().id }), 'invalid-request')
      await refused(parts.resolve({ ...said, id: 'case-1', action: 'cancel' }), 'not-found')
      assert.equal((await current()).hold?.case, id)
    })

    it('to take what was erased, and can still keep ours', async () => {
      await apply({ amount: '1.00' })
      await store.vault.forget((await current()).personal.person)
      await refused(resolve('take-theirs'), 'cannot-resolve', /erased/)
      await resolve('keep-ours')
      assert.equal((await current()).hold, undefined)
      assert.equal((await current()).dismissed?.length, 1, 'what was erased is known again all the same')
    })

    it('to take the word of an account that left the configuration, and can still cancel', async () => {
      await apply({ amount: '1.00' })
      const gone = createTestCaseParts(store, { providers: new Map() })
      const said = { id: caseOf(await current()), by: 'ops', reason: 'Checked.' }
      const taking = gone.resolve({ ...said, action: 'take-theirs' })
      await refused(taking, 'cannot-resolve', /not in the configuration/)
      await gone.resolve({ ...said, action: 'cancel' })
      assert.equal((await current()).state, 'cancelled')
    })

    it('an action on a case that is about a callback', async () => {
      const { id } = callback()
      const about = { account: testAccount.id, receipt: id, code: 'callback-not-understood' } as const
      await store.cases.open({ ...about, reason: 'Odd.' })
      const [one] = (await store.cases.list({ limit: 1 })).cases
      const said = { id: one?.id ?? '', by: 'ops', reason: 'Checked.' }
      await refused(parts.resolve({ ...said, action: 'cancel' }), 'invalid-request')
      assert.equal((await parts.resolve(said)).outcome, 'resolved')
    })
  })

  describe('shows both sides', () => {
    it('with what differs', async () => {
      const first = await apply()
      const second = await apply({ status: 'fail', amount: '1.00', accountNumber: '5550001234' })
      const one = await parts.cases.find(caseOf(await current()))
      const sides = one && (await parts.readSides(one))
      assert.equal(sides?.ours?.intent.state, 'succeeded')
      assert.ok(sides?.known?.outcome === 'read' && sides.known.record.id === first.receipt)
      assert.deepEqual(
        sides.theirs.map((side) => side.outcome === 'read' && side.record.id),
        [second.receipt],
      )
    })

    it('and says of what was erased that it was', async () => {
      await apply({ amount: '1.00' })
      await store.vault.forget((await current()).personal.person)
      const one = await parts.cases.find(caseOf(await current()))
      const sides = one && (await parts.readSides(one))
      assert.equal(sides?.ours?.secrets, undefined)
      assert.deepEqual(
        sides?.theirs.map(({ outcome }) => outcome),
        ['erased'],
      )
    })
  })
})
