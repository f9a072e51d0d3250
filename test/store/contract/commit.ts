import assert from 'node:assert/strict'
import { openHeldCase } from '../../../src/domain/case.ts'
import { caseIdOfHold } from '../../../src/domain/ids.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import type { CommitRequest } from '../../../src/store/commit.ts'
import { aliasIdOf, batchIdOf, transferIdOf } from '../../../src/store/ids.ts'
import { sealReceipt } from '../../../src/workers/observe.ts'
import type { Subject } from '../../model/subject.ts'
import { account, because, change, heardOf, receipt, transferEvent } from '../../model/things.ts'
import { keyring } from '../../support/store.ts'

const day = 24 * 60 * 60 * 1000

/** As one who has decided on it would write. */
export function settling(before: Transfer, fields: Partial<CommitRequest> = {}): CommitRequest {
  const open = receipt('{}')
  return {
    before,
    steps: [change(before, { state: 'succeeded', settledBy: open.id })],
    because: because(open.id),
    receipt: { open, outcome: 'applied', heard: heardOf(open) },
    at: 2_000,
    ...fields,
  }
}

export function holding(before: Transfer): CommitRequest {
  const open = receipt('{"amount":"1"}')
  const hold = {
    reason: 'amount-differs' as const,
    at: 2_000,
    case: caseIdOfHold(before.id, before.sequence + 1),
  }
  const step = change(before, { hold }, 'held')
  return {
    before,
    steps: [step],
    because: because(open.id),
    receipt: { open, outcome: 'held', heard: heardOf(open) },
    case: { after: openHeldCase({ ...step.intent, hold }, open.id, 2_000) },
    ask: true,
    at: 2_000,
  }
}

export function describeCommit(open: () => Promise<Subject>): void {
  async function registered(store: Subject, reference = 'r-1'): Promise<Transfer> {
    const event = transferEvent(reference)
    await store.register(event)
    return event.intent
  }
  async function countLog(store: Subject): Promise<number> {
    return (await store.readLog()).flat().length
  }

  describe('a commit', () => {
    it('writes state, event, receipt, memory, counts and places together', async () => {
      const store = await open()
      const before = await registered(store)
      const request = settling(before, { repeat: 'mutated' })
      const after = request.steps[0]?.intent
      assert.deepEqual(await store.intents.commit(request), { outcome: 'committed' })
      const [look] = await store.look([before.id])
      assert.deepEqual(look?.intent, after)
      assert.deepEqual([look?.watched, look?.final], [undefined, 2_000])
      const one = request.receipt?.open
      assert.ok(one && after)
      const record = await store.intents.findReceipt(before.id, one.id)
      assert.deepEqual(
        [record?.outcome, record?.intent, record?.decidedOn, record?.decidedAt],
        ['applied', before.id, 1, 2_000],
      )
      const [loaded] = await store.intents.load([before.id])
      assert.ok(loaded?.outcome === 'found')
      assert.deepEqual(loaded.heard, [heardOf(one)])
      assert.deepEqual(await store.repeatsOf(account), { identical: 0, 're-sent': 0, mutated: 1 })
      const logged = { fact: request.steps[0]?.fact, intent: after, because: request.because, at: 2_000 }
      assert.deepEqual((await store.readLog()).flat()[1], logged)
    })

    it('happens once for a receipt, however often it is sent', async () => {
      const store = await open()
      const request = settling(await registered(store), { repeat: 're-sent' })
      await store.intents.commit(request)
      const again = await store.intents.commit(request)
      assert.deepEqual(again, { outcome: 'recorded-before', result: 'applied' })
      assert.equal(await countLog(store), 2)
      assert.equal((await store.repeatsOf(account))['re-sent'], 1)
    })

    it('writes nothing where the intent has moved on', async () => {
      const store = await open()
      const before = await registered(store)
      const first = settling(before)
      await store.intents.commit(first)
      const open2 = receipt('late')
      const late = settling(before, {
        receipt: { open: open2, outcome: 'applied', heard: heardOf(open2) },
        repeat: 'mutated',
        ask: true,
      })
      assert.deepEqual(await store.intents.commit(late), { outcome: 'moved-on' })
      const [look] = await store.look([before.id])
      assert.deepEqual([look?.intent, look?.watched], [first.steps[0]?.intent, undefined])
      assert.equal(await store.intents.findReceipt(before.id, open2.id), undefined)
      assert.equal((await store.repeatsOf(account)).mutated, 0)
      assert.equal(await countLog(store), 2)
    })

    it('refuses one on an intent that is not there, and a new one where something is', async () => {
      const store = await open()
      const event = transferEvent('r-1')
      assert.deepEqual(await store.intents.commit(settling(event.intent)), { outcome: 'moved-on' })
      await store.register(event)
      const { before: _, ...anew } = settling(event.intent)
      assert.deepEqual(await store.intents.commit(anew), { outcome: 'moved-on' })
    })

    it('lets one of many racing decisions through', async () => {
      const store = await open()
      const before = await registered(store)
      const all = await store.intents.commitAll(Array.from({ length: 5 }, () => settling(before)))
      const outcomes = all.map((one) => (one instanceof Error ? 'error' : one.outcome))
      assert.deepEqual(outcomes.sort(), ['committed', 'moved-on', 'moved-on', 'moved-on', 'moved-on'])
      assert.equal(await countLog(store), 2)
    })

    it('takes each of many by itself', async () => {
      const store = await open()
      const intents = await Promise.all(Array.from({ length: 12 }, (_, i) => registered(store, `many-${i}`)))
      const requests = intents.map((before) => settling(before))
      const stale = settling(intents[3] as Transfer)
      const answers = await store.intents.commitAll([...requests, stale])
      const outcomes = answers.map((one) => (one instanceof Error ? 'error' : one.outcome))
      assert.deepEqual(outcomes, [...requests.map(() => 'committed'), 'moved-on'])
    })

    it('records what changes nothing, and publishes nothing', async () => {
      const store = await open()
      const before = await registered(store)
      const request = settling(before, { steps: [], receipt: { open: receipt('x'), outcome: 'stale' } })
      assert.deepEqual(await store.intents.commit(request), { outcome: 'committed' })
      const again = await store.intents.commit(request)
      assert.deepEqual(again, { outcome: 'recorded-before', result: 'stale' })
      const [look] = await store.look([before.id])
      assert.deepEqual(look, {
        intent: before,
        watched: 31_000,
        final: undefined,
        totals: undefined,
        due: false,
      })
      assert.equal(await countLog(store), 1)
    })

    it('counts what is not recorded', async () => {
      const store = await open()
      const before = await registered(store)
      const { receipt: _, ...counted } = settling(before, { steps: [], repeat: 'identical' })
      assert.deepEqual(await store.intents.commit(counted), { outcome: 'committed' })
      assert.equal((await store.repeatsOf(account)).identical, 1)
    })

    it('makes receipts ready in the same step', async () => {
      const store = await open()
      const before = await registered(store)
      const one = receipt('later')
      const request = settling(before, { ready: [sealReceipt(one, keyring)] })
      await store.intents.commit(request)
      assert.equal(await store.ready.pump(async ([first]) => assert.equal(first?.id, one.id)), 1)
    })

    it('asks at once, also where it was due: whoever saw it so before must not put it off', async () => {
      const store = await open()
      const before = await registered(store)
      const request = (at: number) =>
        settling(before, { steps: [], receipt: { open: receipt('a'), outcome: 'stale' }, ask: true, at })
      for (const [at, watched] of [
        [5_000, 5_000],
        [9_000, 9_000],
        [3_000, 3_000],
      ] as const) {
        await store.intents.commit(request(at))
        assert.equal((await store.look([before.id]))[0]?.watched, watched)
      }
      assert.equal(await store.intents.ask(before, 4_000), false)
      assert.equal(await store.intents.ask(before, 2_000), true)
      assert.equal((await store.look([before.id]))[0]?.watched, 2_000)
    })
  })

  describe('a hold', () => {
    it('opens its case in the same step, and takes the intent from the settled ones', async () => {
      const store = await open()
      const before = await registered(store)
      const settled = settling(before)
      await store.intents.commit(settled)
      const after = settled.steps[0]?.intent as Transfer
      const request = holding(after)
      assert.deepEqual(await store.intents.commit(request), { outcome: 'committed' })
      const [look] = await store.look([before.id])
      assert.deepEqual([look?.watched, look?.final], [2_000, undefined])
      const [loaded] = await store.intents.load([before.id])
      assert.ok(loaded?.outcome === 'found')
      assert.deepEqual(loaded.case, request.case?.after)
      const names = (await store.readLog()).flat().map(({ fact }) => fact.name)
      assert.deepEqual(names, ['registered', 'succeeded', 'held', 'opened'])
    })

    it('lets what waits for a person be decided again, and nothing else', async () => {
      const store = await open()
      const before = await registered(store)
      const open1 = receipt('waits')
      const waits = settling(before, { steps: [], receipt: { open: open1, outcome: 'awaits-person' } })
      await store.intents.commit(waits)
      const anew = settling(before, { receipt: { open: open1, outcome: 'applied', heard: heardOf(open1) } })
      assert.deepEqual(await store.intents.commit(anew), { outcome: 'committed' })
      assert.deepEqual(await store.intents.commit(anew), { outcome: 'recorded-before', result: 'applied' })
    })

    it('writes nothing where somebody else has changed its case', async () => {
      const store = await open()
      const before = await registered(store)
      const held = holding(before)
      await store.intents.commit(held)
      const after = held.steps[0]?.intent as Transfer
      const known = held.case?.after
      assert.ok(known?.kind === 'held' && known.state === 'open')
      const attach = (id = receipt('x')) => ({
        request: settling(after, {
          steps: [],
          receipt: { open: id, outcome: 'awaits-person' as const },
          case: { before: known, after: { ...known, receipts: [...known.receipts, id.id] } },
        }),
        id,
      })
      const one = attach()
      const other = attach()
      assert.deepEqual(await store.intents.commit(one.request), { outcome: 'committed' })
      assert.deepEqual(await store.intents.commit(other.request), { outcome: 'moved-on' })
      assert.equal(await store.intents.findReceipt(after.id, other.id.id), undefined)
      const kept = await store.cases.find(known.id)
      assert.ok(kept?.kind === 'held')
      assert.deepEqual(kept.receipts, [...known.receipts, one.id.id])
      assert.equal(await countLog(store), 3, 'one that only took note of more is not news')
    })
  })

  describe('a provider’s number', () => {
    it('is whose it was first', async () => {
      const store = await open()
      const number = aliasIdOf('payout', account, 'P-1')
      const [one, other] = [transferIdOf(account, 'r-1'), transferIdOf(account, 'r-2')]
      const claim = (target: typeof one) => store.intents.claimNumbers([{ number, target, ttlMs: day }])
      assert.deepEqual([await claim(one), await claim(other), await claim(one)], [[one], [one], [one]])
      assert.deepEqual(await store.intents.claimNumbers([]), [])
    })

    it('tells two of one group apart', async () => {
      const store = await open()
      const number = aliasIdOf('payout', account, 'P-1')
      const targets = ['r-1', 'r-2'].map((reference) => transferIdOf(account, reference))
      const claims = targets.map((target) => ({ number, target, ttlMs: day }))
      assert.deepEqual(await store.intents.claimNumbers(claims), [targets[0], targets[0]])
    })
  })

  it('knows nothing of what it was not told', async () => {
    const store = await open()
    const id = batchIdOf(account, 'nobody')
    assert.deepEqual(await store.intents.load([id, transferIdOf(account, 'no')]), [
      { outcome: 'unknown' },
      { outcome: 'unknown' },
    ])
    assert.equal(await store.intents.find(id), undefined)
    assert.equal(await store.intents.findReceipt(id, receipt('x').id), undefined)
    assert.deepEqual(await store.intents.load([]), [])
  })
}
