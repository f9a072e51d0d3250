/**
 * Everything at once: transfers, batches and coupons through both make-believe providers with all that can go wrong, and at
 * the end both sides tell the same story, each fact once, and nobody is paid twice. With callbacks, and without any.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Behaviour } from '../../src/sandbox/behaviours.ts'
import { createOperator } from '../support/operator.ts'
import { createFolder, type Folder, type Program, type SeenEvent } from '../support/program.ts'
import {
  type Belief,
  type ProviderSandbox,
  startProviderSandbox,
  wechat,
  zeno,
} from '../support/provider-sandbox.ts'
import { until } from '../support/until.ts'

const transferCount = 500
const batchCount = 5
const membersEach = 300
const couponCount = 200
const atOnce = 8
const settledWithinMs = 130_000

/** Shares of what is sent that each of these strikes; several may strike one. */
const rates: Partial<Record<Behaviour, number>> = {
  fail: 0.1,
  slow: 0.01,
  'lost-callback': 0.05,
  repeated: 0.05,
  'concurrent-repeats': 0.05,
  reordered: 0.05,
  contradicting: 0.02,
  'mutated-amount': 0.02,
  early: 0.05,
  'wrong-signature': 0.05,
  signtest: 0.03,
  'timeout-after-accepting': 0.01,
  'too-many-requests': 0.03,
  'server-error': 0.03,
  'unsigned-response': 0.02,
  'refund-after-success': 0.02,
  'name-differs': 0.02,
  'name-missing': 0.02,
  refused: 0.02,
  'key-rotation': 0.02,
  stale: 0.02,
}
const closedBatch = 'E2eBatchClosed5'

const count = (many: number) => Array.from({ length: many }, (_, i) => i)
const padded = (number: number) => String(number).padStart(4, '0')

describe('the built program and both providers of the sandbox', function () {
  this.timeout(200_000)
  let place: Folder
  let sandbox: ProviderSandbox
  let program: Program
  beforeEach(() => {
    place = createFolder()
  })
  afterEach(async () => {
    await sandbox?.stop()
    await place.dispose()
  })

  async function start(callbacks: boolean): Promise<void> {
    const keys = callbacks ? 'certificates' : 'public-key'
    sandbox = await startProviderSandbox({ seed: 5, rates, delayMs: { from: 50, to: 400 }, callbacks, keys })
    const file = join(place.folder, 'tallyhook.json')
    writeFileSync(file, JSON.stringify(sandbox.configuration))
    program = await place.start('all', {
      TALLYHOOK_CONFIG: file,
      CALLBACK_PORT: String(sandbox.callbackPort),
      LOG_LEVEL: 'warn',
    })
  }

  async function post(path: string, content: object): Promise<void> {
    const answer = await fetch(`${program.apiUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.token}` },
      body: JSON.stringify(content),
    })
    assert.equal(answer.status, 201, `${path}: ${await answer.text()}`)
  }

  /** So many at once, in order. */
  async function postAll(path: string, contents: readonly object[]): Promise<void> {
    const rest = [...contents]
    await Promise.all(
      count(atOnce).map(async () => {
        for (let one = rest.shift(); one; one = rest.shift()) await post(path, one)
      }),
    )
  }

  const transfers = count(transferCount).map((i) => ({
    account: zeno,
    reference: `e2e-${padded(i)}`,
    amount: { value: `${25_000 + i}.00`, currency: 'IDR' },
    beneficiary: { bankCode: '002', accountNumber: `12345${padded(i)}`, name: 'Budi Santoso' },
    submit: true,
  }))
  const batches = count(batchCount).map((b) => ({
    account: wechat,
    reference: b === batchCount - 1 ? closedBatch : `E2eGroup${b}`,
    name: 'Commissions',
    remark: 'January',
    wechatpay: {
      authorizationType: 'INFORMATION_AUTHORIZATION_TYPE',
      subMchid: '1900000109',
      subAppid: 'wxf636efh567hg4356',
    },
    transfers: count(membersEach).map((i) => ({
      reference: `E2eD${b}x${padded(i)}`,
      amount: { value: `1.${String(i % 100).padStart(2, '0')}`, currency: 'CNY' },
      beneficiary: { openid: `o-${b}-${i}` },
      remark: 'January',
    })),
    submit: true,
  }))
  const coupons = count(couponCount).map((i) => ({
    account: wechat,
    reference: `e2e-c${padded(i)}`,
    stockId: '98065001',
    openid: `o-c-${i}`,
    appid: 'wx233544546545989',
    amount: { value: '3.00', currency: 'CNY' },
    name: '张三',
    idCard: '11010119900307421X',
    submit: true,
  }))

  for (const callbacks of [true, false]) {
    it(`both tell the same story in the end, ${callbacks ? 'with' : 'without'} callbacks`, async () => {
      await start(callbacks)
      await postAll('/v1/batches', batches)
      await postAll('/v1/coupons', coupons)
      await postAll('/v1/transfers', transfers)

      const operator = createOperator(program.apiUrl, sandbox)
      const feed = followEvents()
      let open: Last[] = []
      await until(
        'everything to be settled',
        async () => {
          await feed.read()
          await operator.resolveAll()
          open = [...feed.last.values()].filter(isOpen)
          if (open.length > 0 || !feed.isAtEnd() || (await operator.hasWork())) return false
          // What a bank gives back after the end is found by looking back.
          return membersOf(await sandbox.believes()).every(
            ([reference, [state]]) => state !== 'returned' || feed.stateOf(reference) === state,
          )
        },
        settledWithinMs,
      ).catch(async (error: Error) => {
        const some = open
          .slice(0, 12)
          .map(({ reference, state, hold }) => `${reference} ${state} ${hold?.reason ?? ''}`)
        const cases = await operator.describeWork()
        throw new Error(`${error.message} ${open.length} are open, as ${some.join(', ')}; cases: ${cases}`)
      })

      checkNumbers(feed.events)
      checkOnce(feed.events)
      const believed = await sandbox.believes()
      checkStates(feed.last, believed, callbacks)
      const paidTwice = believed.zenospay.payouts.filter(({ paidOrders }) => paidOrders > 1)
      assert.deepEqual(paidTwice, [])
    })
  }

  /** Each event once, as a reader of the feed has it, which waits where there is none. */
  function followEvents() {
    const events: SeenEvent[] = []
    const last = new Map<string, Last>()
    let after = ''
    let isAtEnd = false
    async function read(): Promise<void> {
      const query = `limit=1000&wait=1${after && `&after=${after}`}`
      const headers = { authorization: `Bearer ${sandbox.token}` }
      const answer = await fetch(`${program.apiUrl}/v1/events?${query}`, { headers })
      const page = (await answer.json()) as { events: SeenEvent[]; next: string }
      isAtEnd = page.events.length === 0
      after = page.next
      events.push(...page.events)
      for (const { subject, type, data } of page.events) {
        const [, kind = ''] = type.split('.')
        if (kind !== 'case') last.set(subject, { ...(data.object as Last), kind })
      }
    }
    const stateOf = (reference: string) =>
      [...last.values()].find((one) => one.reference === reference)?.state
    return { events, last, isAtEnd: () => isAtEnd, read, stateOf }
  }
})

interface Last {
  kind: string
  reference: string
  state: string
  hold?: { reason: string }
}

const pending: Record<string, readonly string[]> = {
  transfer: ['registered', 'submitted', 'processing'],
  coupon: ['registered', 'submitted'],
  batch: ['registered', 'submitted', 'accepted', 'processing'],
}

function isOpen({ kind, state, hold }: Last): boolean {
  return hold !== undefined || (pending[kind]?.includes(state) ?? false)
}

/** Each subject's events are numbered from 1 without a gap, and each names the one before. */
function checkNumbers(events: readonly SeenEvent[]): void {
  const last = new Map<string, SeenEvent>()
  for (const event of events) {
    const before = last.get(event.subject)
    assert.equal(event.sequence, (before?.sequence ?? 0) + 1, event.subject)
    assert.equal(event.previousid, before?.id)
    last.set(event.subject, event)
  }
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
}

const ends = ['succeeded', 'failed', 'cancelled', 'expired', 'granted']
const once = [...ends, 'registered', 'submitted', 'processing', 'returned', 'finished', 'closed', 'accepted']

/** What became of it is told once; what a person changes of that has a name of its own. */
function checkOnce(events: readonly SeenEvent[]): void {
  const told = new Map<string, string[]>()
  for (const { subject, type } of events) {
    const [, , fact = ''] = type.split('.')
    if (once.includes(fact)) told.set(subject, [...(told.get(subject) ?? []), fact])
  }
  for (const [subject, facts] of told) {
    assert.equal(new Set(facts).size, facts.length, `${subject}: ${facts.join()}`)
    const isWhole = subject.startsWith('ba-')
    const end = facts.filter((fact) => ends.includes(fact))
    assert.equal(end.length, isWhole ? 0 : 1, `${subject}: ${facts.join()}`)
  }
}

function checkStates(last: ReadonlyMap<string, Last>, believed: Belief, callbacks: boolean): void {
  const expected = new Map<string, readonly string[]>([
    ...transfersOf(believed, callbacks),
    ...membersOf(believed),
    ...believed.wechatpay.coupons.map(({ number }) => [number, ['granted']] as const),
    ...believed.wechatpay.batches.map(
      ({ number, status }) => [number, status === 'CLOSED' ? ['closed'] : ['finished']] as const,
    ),
  ])
  const wrong = [...last.values()].flatMap(({ reference, state }) => {
    // What it has never heard of, it has not paid.
    const allowed = expected.get(reference) ?? ['failed']
    return allowed.includes(state) ? [] : [`${reference} is ${state} and should be ${allowed.join(' or ')}`]
  })
  assert.deepEqual(wrong, [])
  assert.equal(last.size, transferCount + batchCount * (membersEach + 1) + couponCount)
  const ours = new Set([...last.values()].map(({ reference }) => reference))
  assert.deepEqual(
    [...expected.keys()].filter((reference) => !ours.has(reference)),
    [],
    'it knows of nothing else',
  )
}

function transfersOf({ zenospay }: Belief, callbacks: boolean): [string, readonly string[]][] {
  const states: Record<string, string> = { success: 'succeeded', fail: 'failed' }
  return zenospay.payouts.map(({ reference, status, reason, callbacks: told }) => {
    // It was never ordered to be paid: we let it run out, or were told that it failed since it had.
    if (status === 'expired') return [reference, ['expired', 'failed']]
    const state = states[status] ?? status
    // A bank that gives it back later tells by a callback alone: without one a success stays a success.
    const isUntold = reason === 'Returned by the bank' && (!callbacks || told === 0)
    return [reference, isUntold ? [state, 'succeeded'] : [state]]
  })
}

function membersOf({ wechatpay }: Belief): [string, readonly string[]][] {
  const states: Record<string, readonly string[]> = {
    SUCCESS: ['succeeded'],
    FAIL: ['failed'],
    REFUND: ['returned'],
  }
  return wechatpay.batches.flatMap(({ transfers }) =>
    transfers.map(({ number, status }): [string, readonly string[]] => [number, states[status] ?? [status]]),
  )
}
