/** What the client's answers come to: translated, with digests for what is personal, and decided on. */
import assert from 'node:assert/strict'
import { decide } from '../../../src/domain/decide.ts'
import type { ReceiptId } from '../../../src/domain/ids.ts'
import { describePerson, digestName } from '../../../src/domain/person.ts'
import { resolveHold } from '../../../src/domain/resolve.ts'
import { beginSending } from '../../../src/domain/submission.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import type { AnswerPart, CallResult, Exchange, Order, Question } from '../../../src/providers/client.ts'
import { digestBody } from '../../../src/providers/digest.ts'
import { createObserve } from '../../../src/workers/observe.ts'
import { transfer } from '../../support/intents.ts'
import {
  answered,
  askedAt,
  createCalling,
  payOrder,
  payoutStatus,
  reservation,
  reserveOrder,
} from '../../support/zenospay-client.ts'

const digest = (text: string) => digestBody(Buffer.from(text))
const { beneficiary, amount, reference } = reserveOrder

const reserving: Transfer = transfer({
  account: 'zeno-test',
  reference,
  amount,
  state: 'submitted',
  submission: { step: 'reserving', at: askedAt },
  payee: { kind: 'bank', nameDigest: digestName(beneficiary.name, digest) },
  personal: { person: digest(describePerson('bank', beneficiary.accountNumber)), sealed: '' },
})

async function call(asked: Order | Question, answer: Exchange) {
  const { provider, client } = createCalling(answer)
  const isOrder = asked.call === 'reserve' || asked.call === 'pay'
  const result: CallResult = isOrder
    ? await client.order(asked as Order)
    : await client.ask(asked as Question)
  const part: AnswerPart | undefined =
    result.outcome === 'answered' ? result.parts[0] : 'part' in result ? result.part : undefined
  assert.ok(part, JSON.stringify(result))
  const observe = createObserve({
    providers: new Map([[provider.account, provider]]),
    sealer: { seal: () => assert.fail(), open: () => assert.fail() },
    digestPerson: digest,
    digestFact: digest,
  })
  return observe({
    id: 'rc-1' as ReceiptId,
    account: provider.account,
    receivedAt: askedAt,
    keyId: part.keyId,
    digest: 'digest',
    headers: part.headers,
    asked: part.asked,
    opened: part.body,
  }).observation
}

async function apply(before: Transfer, asked: Order | Question, answer: Exchange, now = askedAt) {
  const decision = decide(before, await call(asked, answer), now)
  const steps = 'steps' in decision ? decision.steps : []
  const intent = (steps.at(-1)?.intent ?? before) as Transfer
  return { verdict: decision.verdict, facts: steps.map(({ fact }) => fact.name), intent }
}

const reserved = (fields: object = {}) => answered(200, { status: true, data: { ...reservation, ...fields } })
const status = (fields: object) =>
  answered(200, {
    status: true,
    data: {
      ...payoutStatus,
      merchant_transaction_id: reference,
      account_number: beneficiary.accountNumber,
      ...fields,
    },
  })
const aboutIt: Question = { call: 'transfer', reference }
const refused = answered(400, { status: false, message: 'Insufficient balance' })

async function acknowledge(): Promise<Transfer> {
  const { intent } = await apply(reserving, reserveOrder, reserved())
  const sending = beginSending(intent, askedAt)?.intent
  assert.ok(sending)
  const { verdict, intent: taken } = await apply(sending, payOrder, answered(200, { status: true }))
  assert.deepEqual([verdict, taken.state, taken.submission?.step], ['applied', 'submitted', 'acknowledged'])
  return taken
}

describe('zenospay answers, decided on', () => {
  it('an inquiry for whom and what was ordered is reserved, and gives the payout its number', async () => {
    const { verdict, facts, intent } = await apply(reserving, reserveOrder, reserved())
    assert.deepEqual([verdict, facts], ['applied', ['reserved']])
    assert.equal(intent.providerReference, reservation.inquiry_id)
    assert.equal(intent.submission?.validUntil, askedAt + 1_800_000)
  })

  const doubts: [string, object, string][] = [
    ['another name', { account_name: 'Jane Roe' }, 'beneficiary-name-differs'],
    ['no name', { account_name: null }, 'beneficiary-name-missing'],
    ['another number', { account_number: '999' }, 'account-number-differs'],
    ['another amount', { amount: 100001 }, 'amount-differs'],
  ]
  for (const [title, fields, reason] of doubts) {
    it(`${title} is for a person`, async () => {
      const { verdict, intent } = await apply(reserving, reserveOrder, reserved(fields))
      assert.deepEqual([verdict, intent.hold?.reason], ['held', reason])
    })
  }

  it('a transfer that is taken moves nothing; only what is asked later does', async () => {
    const taken = await acknowledge()
    const { intent: processing } = await apply(taken, aboutIt, status({ status: 'Processing' }))
    assert.equal(processing.state, 'processing')
    const { intent } = await apply(processing, aboutIt, status({ status: 'Success' }))
    assert.deepEqual([intent.state, intent.fee?.minor], ['succeeded', 550_000n])
  })

  it('a failure is told with its reason', async () => {
    const { intent } = await apply(
      await acknowledge(),
      aboutIt,
      status({ status: 'Fail', reason: 'Account closed' }),
    )
    assert.deepEqual(intent.failure, { code: 'beneficiary-blocked', reason: 'Account closed' })
  })

  it('what was only set aside is as pending as what is being paid, and stays what it is', async () => {
    const { verdict } = await apply(reserving, aboutIt, status({ status: 'Pending' }))
    assert.equal(verdict, 'stale')
  })

  it('a refusal for good fails it', async () => {
    const no = answered(200, { status: false, message: 'Account not found' })
    const { intent } = await apply(reserving, reserveOrder, no)
    assert.deepEqual(
      [intent.state, intent.failure],
      ['failed', { code: 'beneficiary-not-found', reason: 'Account not found' }],
    )
  })

  it('the same refusal of a second attempt is for a person again', async () => {
    const first = await apply(reserving, reserveOrder, refused)
    assert.equal(first.intent.hold?.reason, 'refused-by-provider')
    const { fact } = await call(reserveOrder, refused)
    const dismissed = fact === undefined ? [] : [fact]
    const released = resolveHold(first.intent, { action: 'keep-ours', dismissed }, askedAt - 1).at(-1)?.intent
    assert.ok(released?.kind === 'transfer' && released.submission)
    const again: Transfer = { ...released, submission: { ...released.submission, step: 'reserving' } }
    assert.equal((await apply(again, reserveOrder, refused)).verdict, 'held')
  })
})
