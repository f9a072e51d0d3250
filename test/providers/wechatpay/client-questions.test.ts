import assert from 'node:assert/strict'
import type { CallResult, Exchange, Question } from '../../../src/providers/client.ts'
import { translateAnswer } from '../../../src/providers/wechatpay/translate-answer.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { sightingOf } from '../../support/translation.ts'
import { now, publicKeyId } from '../../support/wechatpay.ts'
import {
  answerOf,
  batchAnswer,
  callingAccount,
  cny,
  couponAnswer,
  createTestClient,
  detailAnswer,
  encryptForMerchant,
  signedAnswer,
} from '../../support/wechatpay-answers.ts'

type Draft = Record<string, unknown>

const questions = {
  batch: { call: 'batch', reference: 'plfk2020042013' },
  page: { call: 'batch-page', reference: 'plfk2020042013', from: 0 },
  transfer: { call: 'transfer', reference: 'x23zy545Bd5436', batch: 'plfk2020042013' },
  coupon: {
    call: 'coupon',
    reference: 'grant1',
    couponNumber: '98674556',
    openid: '2323dfsdf342342',
    appid: 'wx233544546545989',
  },
} as const satisfies Record<string, Question>

const ask = (question: Question, content: unknown, status = 200) =>
  createTestClient(() => signedAnswer(status, content)).ask(question)

function partsOf(result: CallResult) {
  assert.ok(result.outcome === 'answered', JSON.stringify(result))
  return result.parts
}

function observe(result: CallResult) {
  const [part, ...more] = partsOf(result)
  assert.ok(part && more.length === 0)
  return translateAnswer(callingAccount, part.body, part.asked)
}

describe('wechatpay questions', () => {
  it('go where the documents say, signed, without a body, and within limits of their own', async () => {
    const client = createTestClient(() => answerOf(500, Buffer.from(''), {}))
    for (const question of Object.values(questions)) await client.ask(question)
    await client.ask({ ...questions.page, from: 200 })
    const list = '/v3/partner-transfer/batches/out-batch-no/plfk2020042013'
    assert.deepEqual(
      client.called.map(({ method, path, bucket }) => `${method} ${path} ${bucket}`),
      [
        `GET ${list}?need_query_detail=false batch-queries`,
        `GET ${list}?need_query_detail=true&offset=0&limit=100&detail_status=ALL batch-queries`,
        `GET ${list}/details/out-detail-no/x23zy545Bd5436 detail-queries`,
        'GET /v3/marketing/favor/users/2323dfsdf342342/coupons/98674556?appid=wx233544546545989 coupon-queries',
        `GET ${list}?need_query_detail=true&offset=200&limit=100&detail_status=ALL batch-queries`,
      ],
    )
    for (const { headers, body, repeatable } of client.called) {
      assert.ok(repeatable && body === undefined && !('content-type' in headers))
      assert.equal(headers['wechatpay-serial'], publicKeyId)
      assert.match(headers.authorization ?? '', /^WECHATPAY2-SHA256-RSA2048 mchid="1900000001",/)
    }
  })

  it('that have no address there are not sent', async () => {
    const client = createTestClient(() => assert.fail('It was sent.'))
    const odd: Question[] = [
      { call: 'transfer', reference: 'x23zy545Bd5436' },
      { call: 'collection', reference: 'a' },
      { ...questions.transfer, batch: '..' },
      { ...questions.batch, reference: '.' },
      { ...questions.coupon, openid: '..' },
    ]
    for (const question of odd) assert.equal((await client.ask(question)).outcome, 'unsent')
    assert.deepEqual([...client.questions], ['batch', 'batch-page', 'transfer', 'coupon'])
  })

  describe('about a batch', () => {
    const seen = async (fields: Draft) =>
      sightingOf(observe(await ask(questions.batch, { ...batchAnswer, ...fields })), 'batch')

    it('are answered with its state and figures', async () => {
      assert.deepEqual(await seen({}), {
        kind: 'batch',
        source: 'query',
        account: 'wx-test',
        reference: 'plfk2020042013',
        status: 'finished',
        providerReference: batchAnswer.batch_id,
        figures: {
          count: 2,
          succeededCount: 1,
          failedCount: 1,
          amount: cny(200_029n),
          succeededAmount: cny(200_000n),
          failedAmount: cny(29n),
        },
        occurredAt: now - 12_000,
      })
    })

    it('tell its states', async () => {
      for (const [batch_status, status] of [
        ['WAIT_PAY', 'accepted'],
        ['ACCEPTED', 'accepted'],
        ['PROCESSING', 'processing'],
      ])
        assert.equal((await seen({ batch_status })).status, status)
      const closed = await seen({ batch_status: 'CLOSED', close_reason: 'OVERDUE_CLOSE' })
      assert.deepEqual([closed.status, closed.closeReason], ['closed', 'OVERDUE_CLOSE'])
      assert.equal((await seen({ batch_status: 'FINISHED', close_reason: 'X' })).closeReason, undefined)
    })

    it('may be answered without figures and times', async () => {
      const { sp_mchid, out_batch_no, batch_id } = batchAnswer
      const answer = { sp_mchid, out_batch_no, batch_id, batch_status: 'ACCEPTED', success_num: null }
      const batch = sightingOf(observe(await ask(questions.batch, answer)), 'batch')
      assert.ok(!('figures' in batch) && !('occurredAt' in batch))
    })

    it('are not answered by what is about another, or in words that are not known', async () => {
      const others: Draft[] = [
        { out_batch_no: 'plfk2020042014' },
        { sp_mchid: '1900000002' },
        { sp_mchid: undefined },
        { batch_status: 'DONE' },
        { total_amount: 1.5 },
        { total_num: -1 },
        { update_time: 'yesterday' },
      ]
      for (const fields of others) {
        const result = await ask(questions.batch, { ...batchAnswer, ...fields })
        assert.equal(result.outcome, 'unknown', JSON.stringify(fields))
      }
    })
  })

  describe('about a page', () => {
    const detail = (n: number, detail_status = 'SUCCESS') => ({
      detail_id: `10400000711009999911820207005000${n}`,
      out_detail_no: `detail${n}`,
      detail_status,
    })
    const page = (details: unknown[], fields: Draft = {}) => ({
      ...batchAnswer,
      ...fields,
      transfer_detail_list: details,
    })

    it('are answered with a part for each transfer, which can be read alone', async () => {
      const statuses = ['SUCCESS', 'FAIL', 'REFUND', 'PROCESSING', 'INIT', 'WAIT_PAY']
      const parts = partsOf(await ask(questions.page, page(statuses.map((status, n) => detail(n, status)))))
      const seen = parts.map(({ body, asked }) =>
        sightingOf(translateAnswer(callingAccount, body, asked), 'transfer'),
      )
      assert.deepEqual(
        seen.map(({ reference, status }) => `${reference} ${status}`),
        [
          'detail0 succeeded',
          'detail1 failed',
          'detail2 returned',
          'detail3 processing',
          'detail4 processing',
          'detail5 processing',
        ],
      )
      assert.deepEqual(seen[1], {
        kind: 'transfer',
        source: 'query',
        account: 'wx-test',
        reference: 'detail1',
        batch: 'plfk2020042013',
        status: 'failed',
        providerReference: detail(1).detail_id,
        occurredAt: now - 12_000,
      })
      assert.deepEqual(parts[1]?.asked, {
        source: 'query',
        call: 'batch-page',
        status: 200,
        reference: 'detail1',
        batch: 'plfk2020042013',
      })
      assert.ok(parts.every(({ body, keyId }) => body.length < 400 && keyId === publicKeyId))
    })

    it('go on while they are full', async () => {
      const details = Array.from({ length: 100 }, (_, n) => detail(n))
      const nextOf = async (from: number, list: unknown[], total_num?: number) => {
        const result = await ask({ ...questions.page, from }, page(list, { total_num }))
        return result.outcome === 'answered' ? result.next : assert.fail(result.outcome)
      }
      assert.equal(await nextOf(0, details, 250), 100)
      assert.equal(await nextOf(100, details, 250), 200)
      assert.equal(await nextOf(200, details.slice(0, 50), 250), undefined)
      assert.equal(await nextOf(100, details, 200), undefined)
      assert.equal(await nextOf(100, details), 200)
      assert.equal(await nextOf(0, details.slice(0, 99)), undefined)
    })

    it('say nothing before the batch is finished', async () => {
      const unfinished = { ...batchAnswer, batch_status: 'PROCESSING' }
      assert.deepEqual(await ask(questions.page, unfinished), { outcome: 'answered', parts: [] })
    })

    it('lose no other transfer over one that is not understood', async () => {
      const odd = { ...detail(1), detail_status: 'A_NEW_WORD' }
      const parts = partsOf(await ask(questions.page, page([detail(0), odd, null, {}, detail(2)])))
      assert.deepEqual(
        parts.map(({ asked }) => asked.reference),
        ['detail0', 'detail2'],
      )
    })

    it('say in the log where it stands, and not what it is called', async () => {
      const logger = createMemoryLogger()
      const odd = { ...detail(1), detail_status: 'A_NEW_WORD' }
      const client = createTestClient(() => signedAnswer(200, page([detail(0), odd])), callingAccount, logger)
      await client.ask({ ...questions.page, from: 100 })
      const [line, ...more] = logger.lines
      assert.deepEqual(more, [])
      assert.equal(line?.event, 'answer.not-understood')
      assert.equal(line.fields.position, 101)
      assert.equal(line.fields.account, callingAccount.id)
      const text = JSON.stringify(line)
      assert.ok(!text.includes('detail1') && !text.includes(questions.page.reference))
    })

    it('let no transfer say that it is of another batch or merchant', async () => {
      const liar = { ...detail(0), out_batch_no: 'other00', sp_mchid: '1', batch_id: 'x' }
      const [part] = partsOf(await ask(questions.page, page([liar])))
      assert.ok(part)
      const { sp_mchid, out_batch_no, batch_id } = JSON.parse(part.body.toString())
      assert.deepEqual(
        [sp_mchid, out_batch_no, batch_id],
        [batchAnswer.sp_mchid, batchAnswer.out_batch_no, batchAnswer.batch_id],
      )
    })

    it('are not answered by a page of another batch', async () => {
      for (const fields of [{ out_batch_no: 'other0' }, { sp_mchid: '2' }, { transfer_detail_list: 7 }]) {
        const result = await ask(questions.page, { ...page([detail(0)]), ...fields })
        assert.equal(result.outcome, 'unknown')
      }
    })
  })

  describe('about a transfer', () => {
    const seen = async (fields: Draft) =>
      sightingOf(observe(await ask(questions.transfer, { ...detailAnswer, ...fields })), 'transfer')

    it('are answered with amount, payee and time', async () => {
      assert.deepEqual(await seen({}), {
        kind: 'transfer',
        source: 'query',
        account: 'wx-test',
        reference: 'x23zy545Bd5436',
        batch: 'plfk2020042013',
        status: 'succeeded',
        providerReference: detailAnswer.detail_id,
        amount: cny(200_000n),
        payee: { kind: 'wechatpay', number: 'o-1', name: '张三' },
        occurredAt: now - 13_000,
      })
    })

    it('tell why it failed', async () => {
      const { status, failure } = await seen({ detail_status: 'FAIL', fail_reason: 'NAME_NOT_CORRECT' })
      assert.equal(status, 'failed')
      assert.deepEqual(failure, { code: 'beneficiary-mismatch', reason: 'NAME_NOT_CORRECT' })
      assert.equal((await seen({ fail_reason: 'NAME_NOT_CORRECT' })).failure, undefined)
    })

    it('tell that the bank gave it back', async () =>
      assert.equal((await seen({ detail_status: 'REFUND' })).status, 'returned'))

    it('do without a name, or with one that is not for our key', async () => {
      const payee = { kind: 'wechatpay', number: 'o-1' }
      for (const username of [undefined, null, '', 'plain', encryptForMerchant('x').replace(/^./, '!')])
        assert.deepEqual((await seen({ username })).payee, payee)
      assert.equal((await seen({ openid: undefined })).payee, undefined)
    })

    it('are not answered by what is about another', async () => {
      const others: Draft[] = [
        { out_detail_no: 'x23zy545Bd5437' },
        { out_batch_no: 'plfk2020042014' },
        { sp_mchid: '1900000002' },
        { detail_status: 'DONE' },
        { transfer_amount: '12.5' },
        { transfer_amount: undefined },
        { detail_id: undefined },
      ]
      for (const fields of others) {
        const result = await ask(questions.transfer, { ...detailAnswer, ...fields })
        assert.equal(result.outcome, 'unknown', JSON.stringify(fields))
      }
    })
  })

  describe('about a coupon', () => {
    it('are answered where it is there, in whatever state', async () => {
      for (const status of ['SENDED', 'USED', 'EXPIRED', 'RECOVER']) {
        const result = await ask(questions.coupon, { ...couponAnswer, status })
        assert.deepEqual(sightingOf(observe(result), 'coupon-grant'), {
          kind: 'coupon-grant',
          source: 'query',
          account: 'wx-test',
          reference: 'grant1',
          status: 'granted',
          couponNumber: '98674556',
        })
      }
    })

    it('are not answered by another coupon, or one of another kind or merchant', async () => {
      for (const fields of [
        { coupon_id: '98674557' },
        { business_type: 'NORMAL' },
        { stock_creator_mchid: '1' },
        { coupon_id: '' },
      ])
        assert.equal((await ask(questions.coupon, { ...couponAnswer, ...fields })).outcome, 'unknown')
    })
  })

  describe('that find nothing', () => {
    it('say so, where WeChat Pay signs it', async () => {
      for (const code of ['NOT_FOUND', 'RESOURCE_NOT_EXISTS']) {
        const error = { code, message: '…' }
        for (const question of Object.values(questions))
          assert.deepEqual(await ask(question, error, 404), { outcome: 'not-known' })
        const unsigned = answerOf(404, Buffer.from(JSON.stringify(error)), {})
        assert.equal((await createTestClient(() => unsigned).ask(questions.batch)).outcome, 'unknown')
      }
    })
  })

  describe('that our numbers do not find', () => {
    const numbers = { batchNumber: batchAnswer.batch_id, number: detailAnswer.detail_id }
    const { batchNumber } = numbers
    const absent = () => signedAnswer(404, { code: 'NOT_FOUND', message: '…' })
    const isTheirs = ({ path }: { path: string }) => path.includes('/batch-id/')
    const clientWhereTheirs = (answer: () => Exchange) =>
      createTestClient((request) => (isTheirs(request) ? answer() : absent()))
    const line = { out_detail_no: 'x23zy545Bd5436', detail_id: detailAnswer.detail_id, detail_status: 'FAIL' }
    const pageAnswer = { ...batchAnswer, transfer_detail_list: [line] }
    const root = '/v3/partner-transfer/batches'
    const ours = `${root}/out-batch-no/plfk2020042013`
    const theirs = `${root}/batch-id/${batchAnswer.batch_id}`
    const summary = '?need_query_detail=false'
    const listing = '?need_query_detail=true&offset=100&limit=100&detail_status=ALL'
    const cases: { question: Question; content: Draft; paths: string[]; bucket: string }[] = [
      {
        question: { ...questions.batch, batchNumber },
        content: batchAnswer,
        paths: [ours + summary, theirs + summary],
        bucket: 'batch-queries',
      },
      {
        question: { ...questions.page, from: 100, batchNumber },
        content: pageAnswer,
        paths: [ours + listing, theirs + listing],
        bucket: 'batch-queries',
      },
      {
        question: { ...questions.transfer, ...numbers },
        content: detailAnswer,
        paths: [
          `${ours}/details/out-detail-no/x23zy545Bd5436`,
          `${theirs}/details/detail-id/${detailAnswer.detail_id}`,
        ],
        bucket: 'detail-queries',
      },
    ]

    for (const { question, content, paths, bucket } of cases) {
      it(`are asked again by WeChat Pay's own, within the same limit: ${question.call}`, async () => {
        const client = clientWhereTheirs(() => signedAnswer(200, content))
        const [part, ...more] = partsOf(await client.ask(question))
        assert.deepEqual(more, [])
        assert.deepEqual(
          client.called.map(({ path }) => path),
          paths,
        )
        assert.ok(client.called.every((call) => call.bucket === bucket && call.repeatable))
        const [direct] = partsOf(await createTestClient(() => signedAnswer(200, content)).ask(question))
        assert.deepEqual(part?.asked, direct?.asked, 'whichever number found it')
      })

      it(`are not known where theirs are not found either: ${question.call}`, async () => {
        const client = clientWhereTheirs(absent)
        assert.deepEqual(await client.ask(question), { outcome: 'not-known' })
        assert.equal(client.called.length, 2)
      })

      it(`are not answered by what has their number and not ours: ${question.call}`, async () => {
        const others: Draft[] = [{ out_batch_no: 'plfk2020042014' }, { sp_mchid: '1900000002' }]
        if (question.call === 'transfer') others.push({ out_detail_no: 'x23zy545Bd5437' })
        for (const fields of others) {
          const client = clientWhereTheirs(() => signedAnswer(200, { ...content, ...fields }))
          assert.equal((await client.ask(question)).outcome, 'unknown', JSON.stringify(fields))
        }
      })

      it(`are asked once where the first was answered, refused, not proved or not sent: ${question.call}`, async () => {
        const answers: [Exchange, CallResult['outcome']][] = [
          [signedAnswer(200, content), 'answered'],
          [signedAnswer(200, { ...content, out_batch_no: 'plfk2020042014' }), 'unknown'],
          [signedAnswer(403, { code: 'NO_AUTH' }), 'refused'],
          [signedAnswer(500, { code: 'SYSTEM_ERROR' }), 'refused'],
          [answerOf(404, Buffer.from('{"code":"NOT_FOUND"}'), {}), 'unknown'],
          [{ outcome: 'unknown', because: 'It timed out.' }, 'unknown'],
          [{ outcome: 'unsent', because: 'The limit.', retryInMs: 20 }, 'unsent'],
        ]
        for (const [answer, outcome] of answers) {
          const client = createTestClient(() => answer)
          assert.equal((await client.ask(question)).outcome, outcome)
          assert.equal(client.called.length, 1)
        }
      })

      it(`are unknown where the limit leaves no room to ask by theirs: ${question.call}`, async () => {
        const client = clientWhereTheirs(() => ({ outcome: 'unsent', because: 'The limit.', retryInMs: 900 }))
        assert.deepEqual(await client.ask(question), {
          outcome: 'unknown',
          because: 'Our number is not found, and theirs was not asked by. The limit.',
        })
      })
    }

    it('are refused or unknown as what is asked by theirs is', async () => {
      const question = { ...questions.batch, batchNumber }
      const refused = await clientWhereTheirs(() => signedAnswer(403, { code: 'NO_AUTH' })).ask(question)
      assert.deepEqual(refused, { outcome: 'refused', remedy: 'operator', code: 'NO_AUTH' })
      const unproved = clientWhereTheirs(() => answerOf(200, Buffer.from(JSON.stringify(batchAnswer)), {}))
      assert.equal((await unproved.ask(question)).outcome, 'unknown')
    })

    it('are not asked again where a number of theirs is missing, or would lead elsewhere', async () => {
      const odd: Question[] = [
        ...Object.values(questions),
        { ...questions.batch, batchNumber: '..' },
        { ...questions.page, batchNumber: '' },
        { ...questions.transfer, batchNumber },
        { ...questions.transfer, number: numbers.number },
        { ...questions.transfer, batchNumber, number: '..' },
      ]
      for (const question of odd) {
        const client = createTestClient(absent)
        assert.deepEqual(await client.ask(question), { outcome: 'not-known' })
        assert.equal(client.called.length, 1, JSON.stringify(question))
      }
    })

    it("have in their path nothing of a number but the number's own signs", async () => {
      const client = createTestClient(absent)
      await client.ask({ ...questions.transfer, batchNumber: 'a/b?c', number: "d#'e" })
      assert.equal(client.called[1]?.path, `${root}/batch-id/a%2Fb%3Fc/details/detail-id/d%23%27e`)
    })
  })

  it('are refused for now or until somebody mends it, and never for good', async () => {
    const remedyOf = async (status: number, code: string) => {
      const result = await ask(questions.batch, { code }, status)
      assert.ok(result.outcome === 'refused' && !('part' in result))
      return result.remedy
    }
    assert.equal(await remedyOf(500, 'SYSTEM_ERROR'), 'same')
    assert.equal(await remedyOf(429, 'FREQUENCY_LIMITED'), 'same')
    assert.equal(await remedyOf(403, 'NO_AUTH'), 'operator')
    assert.equal(await remedyOf(400, 'PARAM_ERROR'), 'operator')
  })

  it('are not answered by anything but 200', async () => {
    for (const status of [201, 204, 302, 404])
      assert.equal((await ask(questions.batch, batchAnswer, status)).outcome, 'unknown')
  })
})
