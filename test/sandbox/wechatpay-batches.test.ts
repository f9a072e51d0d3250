import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  type Answer,
  batchBody,
  batchDetails,
  certificateKey,
  type DetailBody,
  decryptByMerchant,
  encryptFor,
  newNumber,
  sandboxCertificate,
  sandboxPublicKey,
  startWechatpaySandbox,
  type TestSandbox,
} from '../support/wechatpay-sandbox.ts'

const path = '/v3/partner-transfer/batches'
const start = Date.now()
const named = (name: string, fields: Partial<DetailBody> = {}): Partial<DetailBody> => ({
  user_name: encryptFor(sandboxPublicKey.publicKey, name),
  ...fields,
})
const fieldOf = ({ json }: Answer) => (json.detail as { field?: string } | undefined)?.field
const serial = sandboxPublicKey.serial

describe('the make-believe WeChat Pay: batches', () => {
  let now = start
  let world: TestSandbox
  const restart = async (options: Parameters<typeof startWechatpaySandbox>[0] = {}) => {
    world?.stop()
    const fates = { delayMs: { from: 1000, to: 1000 }, ...options.fates }
    world = await startWechatpaySandbox({ clock: () => now, ...options, fates })
  }
  beforeEach(async () => {
    now = start
    await restart()
  })
  afterEach(() => world.stop())

  const byNumber = (number: string, query = 'need_query_detail=false') =>
    world.get(`${path}/out-batch-no/${number}?${query}`)
  const listed = async (number: string, query: string) => {
    const { json } = await byNumber(number, `need_query_detail=true&${query}`)
    return json.transfer_detail_list as { out_detail_no: string; detail_status: string; detail_id: string }[]
  }
  const detailOf = async (number: string, detail: string) =>
    (await world.get(`${path}/out-batch-no/${number}/details/out-detail-no/${detail}`)).json

  it('takes a batch, answers the same again, and signs what it answers', async () => {
    const body = batchBody()
    const first = await world.post(path, body)
    assert.equal(first.status, 200, first.text)
    assert.equal(first.verified, true)
    assert.ok(first.headers.get('request-id'))
    assert.deepEqual(Object.keys(first.json), ['out_batch_no', 'batch_id', 'create_time'])
    assert.match(String(first.json.create_time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/)
    now += 60_000
    const again = await world.post(path, body)
    assert.deepEqual([again.status, again.json], [200, first.json])
    const other = await world.post(path, { ...body, batch_remark: 'another' })
    assert.deepEqual([other.status, other.json.code, other.verified], [400, 'INVALID_REQUEST', true])
  })

  it('compares encrypted fields by what they say, however they were encrypted', async () => {
    const details = batchDetails(1, named('张三'))
    const body = batchBody({}, details)
    assert.equal((await world.post(path, body, { serial })).status, 200)
    const other = { user_name: encryptFor(certificateKey(), '张三') }
    const again = await world.post(
      path,
      { ...body, transfer_detail_list: details.map((one) => ({ ...one, ...other })) },
      { serial: sandboxCertificate.serial },
    )
    assert.equal(again.status, 200, again.text)
    const renamed = details.map((one) => ({ ...one, ...named('李四') }))
    const refused = await world.post(path, { ...body, transfer_detail_list: renamed }, { serial })
    assert.equal(refused.json.code, 'INVALID_REQUEST')
  })

  it('takes two copies that come together as one', async () => {
    const body = batchBody({}, batchDetails(40, named('张三')))
    const answers = await Promise.all([1, 2, 3].map(() => world.post(path, body, { serial })))
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    assert.equal(world.sandbox.state().batches.length, 1)
  })

  describe('a life', () => {
    it('goes from ACCEPTED over PROCESSING to FINISHED, and lists its details only then', async () => {
      const [good, bad] = batchDetails(2)
      assert.ok(good && bad)
      bad.out_detail_no = newNumber('FailAccountFrozen')
      const { out_batch_no: number, ...rest } = batchBody({}, [good, bad])
      const { json: order } = await world.post(path, { ...rest, out_batch_no: number })
      assert.equal((await byNumber(number)).json.batch_status, 'ACCEPTED')
      now += 1000
      const processing = (await byNumber(number, 'need_query_detail=true&detail_status=ALL')).json
      assert.equal(processing.batch_status, 'PROCESSING')
      assert.equal('transfer_detail_list' in processing, false)
      assert.equal('success_num' in processing, false)
      assert.equal((await detailOf(number, good.out_detail_no)).detail_status, 'PROCESSING')
      now += 1000
      const finished = await byNumber(number, 'need_query_detail=true&detail_status=ALL')
      const { json } = finished
      assert.equal(finished.verified, true)
      assert.equal(json.batch_status, 'FINISHED')
      assert.deepEqual(
        [json.sp_mchid, json.batch_id, json.total_amount, json.total_num],
        ['1900000001', order.batch_id, 201, 2],
      )
      assert.deepEqual(
        [json.success_amount, json.success_num, json.fail_amount, json.fail_num],
        [100, 1, 101, 1],
      )
      assert.deepEqual(
        (await listed(number, 'detail_status=FAIL')).map((one) => one.out_detail_no),
        [bad.out_detail_no],
      )
      const failed = await detailOf(number, bad.out_detail_no)
      assert.deepEqual([failed.detail_status, failed.fail_reason], ['FAIL', 'ACCOUNT_FROZEN'])
      const [first] = await listed(number, 'detail_status=ALL')
      const byId = `${path}/batch-id/${order.batch_id}`
      assert.equal((await world.get(`${byId}?need_query_detail=false`)).json.out_batch_no, number)
      const detail = await world.get(`${byId}/details/detail-id/${first?.detail_id}`)
      assert.equal(detail.json.out_detail_no, good.out_detail_no)
    })

    it('gives pages that fit together', async () => {
      const body = batchBody({}, batchDetails(130))
      await world.post(path, body)
      now += 2000
      const seen = [
        ...(await listed(body.out_batch_no, 'detail_status=ALL&limit=100')),
        ...(await listed(body.out_batch_no, 'detail_status=ALL&limit=100&offset=100')),
      ]
      assert.deepEqual(
        seen.map((one) => one.out_detail_no),
        body.transfer_detail_list.map((one) => one.out_detail_no),
      )
      assert.equal((await listed(body.out_batch_no, 'detail_status=SUCCESS')).length, 20)
    })

    it('may be closed, and then fails every transfer', async () => {
      const body = batchBody({ out_batch_no: newNumber('BatchClosed') })
      await world.post(path, body)
      now += 1000
      const { json } = await byNumber(body.out_batch_no, 'need_query_detail=true&detail_status=ALL')
      assert.equal(json.batch_status, 'CLOSED')
      assert.match(String(json.close_reason), /^(OVERDUE_CLOSE|MERCHANT_REVOCATION|PAYER_ACCOUNT_ABNORMAL)$/)
      assert.equal('transfer_detail_list' in json, false)
      const [detail] = body.transfer_detail_list
      const failed = await detailOf(body.out_batch_no, detail?.out_detail_no ?? '')
      assert.deepEqual([failed.detail_status, failed.fail_reason], ['FAIL', 'OVERDUE_CLOSE'])
    })

    it('may send back what had succeeded', async () => {
      const details = batchDetails(1, { out_detail_no: newNumber('RefundAfterSuccess') })
      const body = batchBody({}, details)
      await world.post(path, body)
      const [detail] = details
      const status = async () =>
        (await detailOf(body.out_batch_no, detail?.out_detail_no ?? '')).detail_status
      now += 2000
      assert.equal(await status(), 'SUCCESS')
      assert.equal((await listed(body.out_batch_no, 'detail_status=REFUND')).length, 0)
      now += 1000
      assert.equal(await status(), 'REFUND')
      assert.equal((await listed(body.out_batch_no, 'detail_status=REFUND')).length, 1)
    })

    it('tells the name in a detail encrypted for the merchant', async () => {
      const body = batchBody(
        {},
        batchDetails(1, named('张三', { user_id_card: named('1101').user_name ?? '' })),
      )
      await world.post(path, body, { serial })
      const detail = await detailOf(body.out_batch_no, body.transfer_detail_list[0]?.out_detail_no ?? '')
      assert.equal(decryptByMerchant(String(detail.username)), '张三')
      assert.equal(detail.appid, body.sub_appid)
    })
  })

  it('knows nothing of what was not ordered', async () => {
    const { out_batch_no: number } = batchBody()
    for (const asked of [
      `/out-batch-no/${number}?need_query_detail=false`,
      '/batch-id/1?need_query_detail=false',
      `/out-batch-no/${number}/details/out-detail-no/${number}`,
      '/batch-id/1/details/detail-id/1',
    ]) {
      const answer = await world.get(path + asked)
      assert.deepEqual([answer.status, answer.json.code, answer.verified], [404, 'NOT_FOUND', true])
    }
  })

  describe('refuses by the documents, with the field', () => {
    const long = '长'.repeat(33)
    const one = batchDetails(1)
    const refused: [string, Record<string, unknown>, string][] = [
      ['no sub_mchid', { sub_mchid: undefined }, '/sub_mchid'],
      ['a sub_mchid of 33 characters', { sub_mchid: '1'.repeat(33) }, '/sub_mchid'],
      ['a short number', { out_batch_no: 'a123' }, '/out_batch_no'],
      ['a number of 33 letters', { out_batch_no: 'a'.repeat(33) }, '/out_batch_no'],
      ['a number with a hyphen', { out_batch_no: 'abc-def' }, '/out_batch_no'],
      ['a long name', { batch_name: long }, '/batch_name'],
      ['a long remark', { batch_remark: long }, '/batch_remark'],
      ['an unknown authorisation', { authorization_type: 'OTHER' }, '/authorization_type'],
      ['no sub_appid', { sub_appid: undefined }, '/sub_appid'],
      ['no sp_appid', { authorization_type: 'FUND_AUTHORIZATION_TYPE' }, '/sp_appid'],
      ['an amount as text', { total_amount: '201' }, '/total_amount'],
      ['an amount that is not the sum', { total_amount: 200 }, '/total_amount'],
      ['a count that is not the list’s', { total_num: 3 }, '/total_num'],
      ['an empty list', { transfer_detail_list: [], total_num: 1 }, '/transfer_detail_list'],
      ['an unknown purpose', { transfer_purpose: 'GIFT' }, '/transfer_purpose'],
      ['an unknown scene', { transfer_scene: 'GIFT' }, '/transfer_scene'],
      [
        'the same detail twice',
        { transfer_detail_list: [...one, ...one], total_amount: 200 },
        '/transfer_detail_list/1/out_detail_no',
      ],
    ]
    for (const [title, fields, field] of refused) {
      it(title, async () => {
        const answer = await world.post(path, batchBody(fields))
        assert.deepEqual([answer.status, answer.json.code, fieldOf(answer)], [400, 'PARAM_ERROR', field])
        assert.equal(answer.verified, true)
      })
    }

    const plain = '/transfer_detail_list/0'
    const details: [string, Partial<DetailBody>[], string][] = [
      ['an amount of zero', [{ transfer_amount: 0 }], `${plain}/transfer_amount`],
      ['half a fen', [{ transfer_amount: 0.5 }], `${plain}/transfer_amount`],
      ['an openid of 65 characters', [{ openid: 'o'.repeat(65) }], `${plain}/openid`],
      ['a long remark of a detail', [{ transfer_remark: long }], `${plain}/transfer_remark`],
      ['2,000 yuan without a name', [{ transfer_amount: 200_000 }], `${plain}/user_name`],
      ['a card number without a name', [{ user_id_card: 'x' }], `${plain}/user_name`],
      ['names of some', [named('张三'), {}], '/transfer_detail_list/1/user_name'],
      ['a name that is not encrypted', [{ user_name: '张三' }], `${plain}/user_name`],
      ['a name for another key', [{ user_name: encryptFor(certificateKey(), '张三') }], `${plain}/user_name`],
    ]
    for (const [title, fields, field] of details) {
      it(title, async () => {
        const list = fields.flatMap((more) => batchDetails(1, more))
        const body = batchBody({}, list)
        const sum = { total_amount: Math.max(1, Math.floor(body.total_amount)) }
        const answer = await world.post(path, { ...body, ...sum }, { serial })
        assert.deepEqual([answer.status, answer.json.code, fieldOf(answer)], [400, 'PARAM_ERROR', field])
        assert.equal(world.sandbox.state().batches.length, 0)
      })
    }

    it('3,001 transfers, and takes 3,000', async () => {
      const most = batchDetails(3001)
      const answer = await world.post(path, batchBody({}, most))
      assert.equal(fieldOf(answer), '/total_num')
      assert.equal((await world.post(path, batchBody({}, most.slice(1)))).status, 200)
    })

    it('encrypted fields without the key that they are under', async () => {
      const body = batchBody({}, batchDetails(1, named('张三')))
      for (const more of [{}, { serial: 'PUB_KEY_ID_999' }]) {
        const answer = await world.post(path, body, more)
        assert.deepEqual([answer.json.code, fieldOf(answer)], ['PARAM_ERROR', 'Wechatpay-Serial'])
      }
    })

    it('what is not JSON', async () => {
      assert.equal((await world.post(path, '{"a":')).json.code, 'PARAM_ERROR')
    })

    for (const [query, field] of [
      ['', 'need_query_detail'],
      ['need_query_detail=yes', 'need_query_detail'],
      ['need_query_detail=true', 'detail_status'],
      ['need_query_detail=true&detail_status=NONE', 'detail_status'],
      ['need_query_detail=false&limit=19', 'limit'],
      ['need_query_detail=false&limit=101', 'limit'],
      ['need_query_detail=false&offset=-1', 'offset'],
    ] as const) {
      it(`a query with “${query}”`, async () => {
        const answer = await world.get(`${path}/batch-id/1${query && `?${query}`}`)
        assert.deepEqual([answer.status, answer.json.code, fieldOf(answer)], [400, 'PARAM_ERROR', field])
      })
    }
  })

  describe('401 SIGN_ERROR', () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const body = batchBody()
    const wrong: [string, Parameters<TestSandbox['post']>[2]][] = [
      ['another key', { privateKey: stranger }],
      ['another path', { signedPath: '/v3/certificates' }],
      ['a body that was changed', { signedBody: `${JSON.stringify(body)} ` }],
      ['another merchant', { mchid: '1900000002' }],
      ['another certificate', { serialNo: 'ABCDEF' }],
      ['five minutes ago', { at: start - 300_000 }],
      ['five minutes ahead', { at: start + 301_000 }],
      ['a nonce of 33 letters', { nonce: 'a'.repeat(33) }],
      ['a nonce with a hyphen', { nonce: 'abc-def' }],
      ['another scheme', { headers: { authorization: 'Bearer abc' } }],
      ['no header', { headers: { authorization: '' } }],
    ]
    for (const [title, more] of wrong) {
      it(title, async () => {
        const answer = await world.post(path, body, more)
        assert.deepEqual([answer.status, answer.json.code], [401, 'SIGN_ERROR'])
        assert.equal(world.sandbox.state().batches.length, 0)
      })
    }

    it('a query that was changed', async () => {
      const asked = `${path}/batch-id/1?need_query_detail=false`
      const answer = await world.get(asked, { signedPath: `${path}/batch-id/1?need_query_detail=true` })
      assert.equal(answer.status, 401)
    })
  })

  describe('misbehaves as the number has it, the first time', () => {
    const ordered = async (word: string) => {
      const body = batchBody({ out_batch_no: newNumber(word) })
      const first = await world.post(path, body)
      const again = await world.post(path, body)
      return { body, first, again }
    }

    for (const [word, status, code] of [
      ['TooManyRequests', 429, 'FREQUENCY_LIMITED'],
      ['Refused', 403, 'NOT_ENOUGH'],
      ['ServerError', 500, 'SYSTEM_ERROR'],
    ] as const) {
      it(`${word}: ${status} ${code}, and the same number is taken then`, async () => {
        const { first, again } = await ordered(word)
        assert.deepEqual([first.status, first.json.code, first.verified], [status, code, true])
        assert.equal(again.status, 200)
        assert.equal(world.sandbox.state().batches.length, 1)
      })
    }

    it('ServerError: after half of them were taken, and not after the others', async () => {
      const taken: number[] = []
      for (let i = 0; i < 12; i++) {
        const before = world.sandbox.state().batches.length
        await world.post(path, batchBody({ out_batch_no: `ServerError${i}` }))
        taken.push(world.sandbox.state().batches.length - before)
      }
      assert.ok(taken.includes(0) && taken.includes(1), taken.join())
    })

    for (const word of ['UnsignedResponse', 'Signtest']) {
      it(`${word}: taken, under an answer that cannot be believed`, async () => {
        const { first, again, body } = await ordered(word)
        assert.deepEqual([first.status, first.verified], [200, false])
        assert.deepEqual([again.json, again.verified], [first.json, true])
        const signature = first.headers.get('wechatpay-signature')
        if (word === 'Signtest') assert.ok(signature?.startsWith('WECHATPAY/SIGNTEST/'))
        else assert.equal(signature, null)
        assert.equal((await byNumber(body.out_batch_no)).verified, false)
        assert.equal((await byNumber(body.out_batch_no)).verified, true)
      })
    }

    it('TimeoutAfterAccepting: taken, and never answered', async () => {
      const body = batchBody({ out_batch_no: newNumber('TimeoutAfterAccepting') })
      await assert.rejects(world.post(path, body, { signal: AbortSignal.timeout(300) }), {
        name: 'TimeoutError',
      })
      assert.equal(world.sandbox.state().batches.length, 1)
      assert.equal((await world.post(path, body)).status, 200)
    })

    it('KeyRotation: a new certificate signs from then on, and the old one still reads', async () => {
      await restart({ mode: 'certificates' })
      const { first } = await ordered('KeyRotation')
      assert.notEqual(first.headers.get('wechatpay-serial'), sandboxCertificate.serial)
      assert.equal(first.verified, true)
      const user_name = encryptFor(certificateKey(), '张三')
      const body = batchBody({}, batchDetails(1, { user_name }))
      assert.equal((await world.post(path, body, { serial: sandboxCertificate.serial })).status, 200)
    })
  })

  it('answers 429 to what is more than fifty a second, and takes the rest', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => byNumber('unknown123')))
    const count = (status: number) => answers.filter((one) => one.status === status).length
    assert.deepEqual([count(404), count(429)], [50, 10])
    now += 1000
    assert.equal((await byNumber('unknown123')).status, 404)
  })

  it('tells the same story under the same seed', async () => {
    const bodies = Array.from({ length: 6 }, (_, i) =>
      batchBody(
        { out_batch_no: `batch${i}` },
        batchDetails(30).map((one, j) => ({ ...one, out_detail_no: `detail${i}x${j}` })),
      ),
    )
    const fates = { seed: 'abc', rates: { fail: 0.3, 'refund-after-success': 0.2, 'batch-closed': 0.5 } }
    const tell = async (list: typeof bodies) => {
      now = start
      await restart({ fates })
      for (const body of list) await world.post(path, body)
      now += 100_000
      return world.sandbox.state().batches.sort((a, b) => a.number.localeCompare(b.number))
    }
    const story = await tell(bodies)
    assert.deepEqual(await tell(bodies.toReversed()), story)
    const statuses = new Set(story.flatMap(({ transfers }) => transfers.map(({ status }) => status)))
    assert.deepEqual([...statuses].sort(), ['FAIL', 'REFUND', 'SUCCESS'])
    assert.ok(story.some(({ status }) => status === 'CLOSED'))
  })
})
