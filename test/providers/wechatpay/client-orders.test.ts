import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import type { CallResult } from '../../../src/providers/client.ts'
import { decryptField } from '../../../src/providers/wechatpay/sensitive-field.ts'
import { translateAnswer } from '../../../src/providers/wechatpay/translate-answer.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { sightingOf } from '../../support/translation.ts'
import {
  now,
  oldCertificate,
  providerKey,
  publicKeyId,
  strangerKey,
  testAccount,
} from '../../support/wechatpay.ts'
import {
  acceptedBatch,
  answerOf,
  callingAccount,
  cny,
  createTestClient,
  grant,
  merchantKeys,
  payBatch,
  signedAnswer,
  signHeaders,
  type TestClient,
} from '../../support/wechatpay-answers.ts'

function bodyOf({ called }: TestClient): Record<string, unknown> {
  return JSON.parse(called[0]?.body ?? '')
}

function observe(result: CallResult) {
  const part = 'parts' in result ? result.parts[0] : result.outcome === 'refused' ? result.part : undefined
  assert.ok(part, JSON.stringify(result))
  return translateAnswer(callingAccount, part.body, part.asked)
}

const open = (text: unknown) => decryptField(String(text), providerKey)

describe('wechatpay orders', () => {
  it('leave no later than whoever gives them says', async () => {
    for (const order of [payBatch(), grant()]) {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      await client.order({ ...order, notAfter: 4_711 })
      assert.equal(client.called[0]?.notAfter, 4_711)
    }
  })

  describe('a batch', () => {
    it('is sent as documented, and what is personal encrypted', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      await client.order(payBatch())
      const [request] = client.called
      assert.equal(`${request?.method} ${request?.path}`, 'POST /v3/partner-transfer/batches')
      const { transfer_detail_list: details, ...batch } = bodyOf(client)
      assert.deepEqual(batch, {
        sub_mchid: '1900000109',
        sub_appid: 'wxf636efh567hg4356',
        authorization_type: 'INFORMATION_AUTHORIZATION_TYPE',
        out_batch_no: 'plfk2020042013',
        batch_name: '2027年1月薪资',
        batch_remark: '薪资',
        total_amount: 200_029,
        total_num: 2,
      })
      const [first, second] = details as Record<string, unknown>[]
      assert.deepEqual(
        { ...first, user_name: open(first?.user_name), user_id_card: open(first?.user_id_card) },
        {
          out_detail_no: 'x23zy545Bd5436',
          transfer_amount: 200_000,
          transfer_remark: '一月',
          openid: 'o-1',
          user_name: '张三',
          user_id_card: '11010119900101001X',
        },
      )
      assert.deepEqual(
        { ...second, user_name: open(second?.user_name) },
        {
          out_detail_no: 'x23zy545Bd5437',
          transfer_amount: 29,
          transfer_remark: '薪资',
          openid: 'o-2',
          user_name: '李四',
        },
      )
      for (const secret of ['张三', '李四', '11010119900101001X']) assert.ok(!request?.body?.includes(secret))
    })

    it('has its keys in the order of the documents', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      const terms = { ...payBatch().terms, spAppid: 'wx1', purpose: 'OTHERS', scene: 'ORDINARY_TRANSFER' }
      await client.order(payBatch({ terms }))
      assert.deepEqual(
        Object.keys(bodyOf(client)),
        `sub_mchid sub_appid authorization_type out_batch_no batch_name batch_remark total_amount total_num
         transfer_detail_list sp_appid transfer_purpose transfer_scene`.split(/\s+/),
      )
    })

    it('loses no digit of an amount', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      const [transfer] = payBatch().transfers
      assert.ok(transfer)
      await client.order(payBatch({ transfers: [{ ...transfer, amount: cny(900_719_925_474_099_301n) }] }))
      assert.match(client.called[0]?.body ?? '', /"total_amount":900719925474099301,/)
      assert.match(client.called[0]?.body ?? '', /"transfer_amount":900719925474099301,/)
    })

    it('of nothing but small amounts is sent without names', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      const transfers = payBatch().transfers.map((one) => ({ ...one, amount: cny(29n) }))
      await client.order(payBatch({ transfers }))
      assert.ok(!/user_name|user_id_card/.test(client.called[0]?.body ?? ''))
    })

    it('is signed over the very path and bytes, each time anew, and names the key it is encrypted under', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      await client.order(payBatch())
      const [request] = client.called
      const { authorization = '', ...headers } = request?.headers ?? {}
      assert.deepEqual(headers, {
        accept: 'application/json',
        'user-agent': 'tallyhook',
        'content-type': 'application/json',
        'wechatpay-serial': publicKeyId,
      })
      const pairs = Object.fromEntries(
        [...authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
      )
      assert.equal(pairs.mchid, '1900000001')
      assert.equal(pairs.serial_no, '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB')
      assert.equal(pairs.timestamp, String(now / 1000))
      const text = `POST\n${request?.path}\n${pairs.timestamp}\n${pairs.nonce_str}\n${request?.body}\n`
      const signature = Buffer.from(pairs.signature ?? '', 'base64')
      assert.ok(verify('sha256', Buffer.from(text), merchantKeys.publicKey, signature))
      assert.equal(request?.repeatable, true)
      assert.equal(request?.bucket, 'batches')
    })

    it('that is taken is accepted, under WeChat Pay’s number, and that is all', async () => {
      const result = await createTestClient(() => signedAnswer(200, acceptedBatch)).order(payBatch())
      assert.equal(result.outcome, 'answered')
      const [part] = result.outcome === 'answered' ? result.parts : []
      assert.deepEqual(part?.asked, {
        source: 'submission',
        call: 'pay-batch',
        status: 200,
        reference: 'plfk2020042013',
      })
      assert.equal(part?.keyId, publicKeyId)
      assert.ok(part?.headers['wechatpay-signature'])
      assert.deepEqual(sightingOf(observe(result), 'batch'), {
        kind: 'batch',
        source: 'submission',
        account: 'wx-test',
        reference: 'plfk2020042013',
        status: 'accepted',
        providerReference: acceptedBatch.batch_id,
        occurredAt: now - 20_000,
      })
    })

    it('is not accepted by an answer about another one', async () => {
      const other = { ...acceptedBatch, out_batch_no: 'plfk2020042014' }
      const result = await createTestClient(() => signedAnswer(200, other)).order(payBatch())
      assert.deepEqual(result, { outcome: 'unknown', because: 'out_batch_no is not that of the order.' })
    })

    it('of 3,000 lets others have their turn while it is encrypted', async () => {
      const client = createTestClient(() => signedAnswer(200, acceptedBatch))
      const [transfer] = payBatch().transfers
      assert.ok(transfer)
      const transfers = Array.from({ length: 3_000 }, (_, i) => ({ ...transfer, reference: `number${i}` }))
      let turns = 0
      let done = false
      const turn = () => {
        turns++
        if (!done) setImmediate(turn)
      }
      setImmediate(turn)
      await client.order(payBatch({ transfers }))
      done = true
      assert.ok(turns >= 29, String(turns))
      assert.equal(bodyOf(client).total_num, 3_000)
      assert.equal(bodyOf(client).total_amount, 600_000_000)
    })
  })

  describe('a coupon', () => {
    it('is granted as documented, and what is personal encrypted', async () => {
      const client = createTestClient(() => signedAnswer(200, { coupon_id: '98674556' }))
      const result = await client.order(grant())
      const [request] = client.called
      assert.equal(request?.path, '/v3/multiuse/users/2323dfsdf342342/coupons')
      assert.equal(request?.bucket, 'coupons')
      const { user_name, id_card_number, ...body } = bodyOf(client)
      assert.deepEqual(body, {
        stock_id: '9856000',
        out_request_no: 'grant|1_*-',
        amount: 1_000,
        appid: 'wx233544546545989',
        card_type: 'ID_CARD',
      })
      assert.deepEqual([open(user_name), open(id_card_number)], ['张三', '11010119900101001X'])
      assert.deepEqual(sightingOf(observe(result), 'coupon-grant'), {
        kind: 'coupon-grant',
        source: 'submission',
        account: 'wx-test',
        reference: 'grant|1_*-',
        status: 'granted',
        couponNumber: '98674556',
      })
    })

    it('of a stock with a fixed value has no amount', async () => {
      const client = createTestClient(() => signedAnswer(200, { coupon_id: '98674556' }))
      await client.order(grant({ amount: undefined }))
      assert.ok(!('amount' in bodyOf(client)))
    })

    it('is addressed by the openid as it travels', async () => {
      const client = createTestClient(() => signedAnswer(200, { coupon_id: '98674556' }))
      await client.order(grant({ openid: "a/b?c'd!" }))
      const path = client.called[0]?.path ?? ''
      assert.equal(path, '/v3/multiuse/users/a%2Fb%3Fc%27d%21/coupons')
      assert.equal(new URL(`https://x.example${path}`).pathname, path)
    })
  })

  describe('are refused', () => {
    const refused = (status: number, code: string, order = payBatch()) =>
      createTestClient(() => signedAnswer(status, { code, message: '…', detail: {} })).order(order)

    it('for good, with a reason', async () => {
      const result = await refused(400, 'PARAM_ERROR')
      assert.ok(result.outcome === 'refused')
      assert.deepEqual([result.remedy, result.code], ['failed', 'PARAM_ERROR'])
      assert.deepEqual(sightingOf(observe(result), 'submission'), {
        kind: 'submission',
        source: 'submission',
        account: 'wx-test',
        of: 'batch',
        reference: 'plfk2020042013',
        status: 'refused',
        remedy: 'failed',
        failure: { code: 'declined-by-provider', reason: 'PARAM_ERROR' },
      })
    })

    it('for good, and it is told where an earlier attempt may have been taken', async () => {
      const client = createTestClient(() => ({
        ...signedAnswer(400, { code: 'PARAM_ERROR' }),
        again: true as const,
      }))
      const seen = sightingOf(observe(await client.order(payBatch())), 'submission')
      assert.deepEqual([seen.remedy, seen.again], ['failed', true])
    })

    it('until somebody mends it', async () => {
      for (const [status, code, failure] of [
        [403, 'NOT_ENOUGH', 'insufficient-funds'],
        [403, 'NO_AUTH', 'payer-not-allowed'],
        [429, 'QUOTA_EXCEED', 'limit-exceeded'],
        [400, 'A_NEW_WORD', 'unknown'],
      ] as const) {
        const result = await refused(status, code)
        assert.equal(result.outcome === 'refused' && result.remedy, 'operator', code)
        const seen = sightingOf(observe(result), 'submission')
        assert.deepEqual(seen.failure, { code: failure, reason: code })
      }
    })

    it('for now, which nobody has to hear of', async () => {
      for (const [status, code] of [
        [500, 'SYSTEM_ERROR'],
        [429, 'FREQUENCY_LIMITED'],
        [502, 'A_NEW_WORD'],
      ] as const)
        assert.deepEqual(await refused(status, code), { outcome: 'refused', remedy: 'same', code })
    })

    it('though the number is there already: then it is asked about', async () =>
      assert.deepEqual(await refused(400, 'ALREADY_EXISTS'), {
        outcome: 'refused',
        remedy: 'ask',
        code: 'ALREADY_EXISTS',
      }))

    it('in numbers, of coupons', async () => {
      const numbers: [string, string, string][] = [
        ['270079501', 'failed', 'beneficiary-not-found'],
        ['270079532', 'failed', 'beneficiary-blocked'],
        ['270079533', 'operator', 'payer-not-allowed'],
        ['270079534', 'operator', 'insufficient-funds'],
      ]
      for (const [code, remedy, failure] of numbers) {
        const client = createTestClient(() => signedAnswer(403, { code: Number(code) }))
        const result = await client.order(grant())
        assert.equal(result.outcome === 'refused' && result.remedy, remedy)
        const seen = sightingOf(observe(result), 'submission')
        assert.deepEqual([seen.of, seen.failure], ['coupon', { code: failure, reason: code }])
      }
    })
  })

  describe('of which nobody knows whether they were taken', () => {
    const taken = Buffer.from(JSON.stringify(acceptedBatch))
    const denied = Buffer.from('{"code":"SIGN_ERROR","message":"…"}')
    const refusal = Buffer.from('{"code":"PARAM_ERROR","message":"…"}')
    const probe = { ...signHeaders(taken), 'wechatpay-signature': 'WECHATPAY/SIGNTEST/abc' }
    const { 'wechatpay-serial': _, ...noSerial } = signHeaders(taken)
    const answers: [string, ReturnType<typeof answerOf>, RegExp][] = [
      [
        'an answer without a signature',
        answerOf(200, taken, {}),
        /answer 200 is not proved \(timestamp-missing\)/,
      ],
      ['one that names no key', answerOf(200, taken, noSerial), /\(key-missing\)/],
      [
        'one by a stranger',
        answerOf(200, taken, signHeaders(taken, { privateKey: strangerKey })),
        /\(signature-wrong\)/,
      ],
      [
        'one by a key that is not known',
        answerOf(200, taken, signHeaders(taken, { serial: 'PUB_KEY_ID_09' })),
        /\(key-unknown\)/,
      ],
      [
        'one of long ago',
        answerOf(200, taken, signHeaders(taken, { at: now - 300_000 })),
        /\(outside-window\)/,
      ],
      [
        'one of the future',
        answerOf(200, taken, signHeaders(taken, { at: now + 300_000 })),
        /\(outside-window\)/,
      ],
      ['a probe', answerOf(200, taken, probe), /\(signature-malformed\)/],
      [
        'another type of signature',
        answerOf(200, taken, {
          ...signHeaders(taken),
          'wechatpay-signature-type': 'WECHATPAY2-SM2-WITH-SM3',
        }),
        /\(signature-type-unknown\)/,
      ],
      ['a signature of another body', answerOf(200, taken, signHeaders(refusal)), /\(signature-wrong\)/],
      ['a refusal that nobody signed', answerOf(400, refusal, {}), /400 PARAM_ERROR is not proved/],
      [
        'a wrong signature of ours, which is answered without one',
        answerOf(401, denied, {}),
        /401 SIGN_ERROR is not proved/,
      ],
      [
        'a gateway’s page',
        answerOf(502, Buffer.from('<html>Bad Gateway</html>'), {}),
        /answer 502 is not proved/,
      ],
      ['a gateway’s limit', answerOf(429, Buffer.from(''), {}), /answer 429 is not proved/],
      ['a redirect', answerOf(302, Buffer.from(''), signHeaders(Buffer.from(''))), /302 has no code/],
      ['an empty success', answerOf(204, Buffer.from(''), signHeaders(Buffer.from(''))), /204 has no code/],
      ['a success of another form', signedAnswer(200, { result: 'ok' }), /is not of a form that is known/],
      ['a success that is none', signedAnswer(200, { code: 'PARAM_ERROR' }), /is not of a form/],
      ['an error without a code', signedAnswer(403, { message: 'no' }), /403 has no code/],
      ['an error that is no JSON', signedAnswer(500, 'oops'), /500 has no code/],
    ]
    for (const [title, answer, expected] of answers) {
      it(`after ${title}`, async () => {
        const result = await createTestClient(() => answer).order(payBatch())
        assert.ok(result.outcome === 'unknown', JSON.stringify(result))
        assert.match(result.because, expected)
      })
    }

    it('after whatever the call itself says', async () => {
      const unknown = { outcome: 'unknown' as const, because: 'It took too long.' }
      const unsent = { outcome: 'unsent' as const, because: 'The breaker is open.', retryInMs: 5 }
      assert.deepEqual(await createTestClient(() => unknown).order(payBatch()), unknown)
      assert.deepEqual(await createTestClient(() => unsent).order(payBatch()), unsent)
    })
  })

  it('are answered by a platform certificate as well', async () => {
    const { serial, privateKey } = oldCertificate
    const client = createTestClient(() => signedAnswer(200, acceptedBatch, { serial, privateKey }))
    assert.equal((await client.order(payBatch())).outcome, 'answered')
  })

  it('are not sent without a key to encrypt under', async () => {
    const platformKeys = testAccount.platformKeys.map((key) => ({ ...key, valid: { from: 0, until: 1 } }))
    const client = createTestClient(() => assert.fail('It was sent.'), {
      ...callingAccount,
      platformKeys: platformKeys.filter(({ serial }) => serial !== publicKeyId),
    })
    const result = await client.order(payBatch())
    assert.ok(result.outcome === 'unsent' && result.retryInMs === 10_000)
    assert.match(result.because, /No key of WeChat Pay/)
  })

  it('that may not be sent are told of in the log by what is wrong, and not by what they are called', async () => {
    const logger = createMemoryLogger()
    const client = createTestClient(() => assert.fail('It was sent.'), callingAccount, logger)
    const order = payBatch({ reference: 'has spaces in it' })
    const result = await client.order(order)
    assert.ok(result.outcome === 'refused' && result.remedy === 'operator')
    const [line] = logger.lines
    assert.equal(line?.event, 'order.not-sent')
    assert.equal(line.fields.account, callingAccount.id)
    assert.ok(!JSON.stringify(line).includes(order.reference))
  })

  it('of other providers are not sent', async () => {
    const client = createTestClient(() => assert.fail('It was sent.'))
    const { outcome } = await client.order({ call: 'pay', reference: 'a', reservation: 'b', force: false })
    assert.equal(outcome, 'unsent')
    assert.deepEqual([...client.orders], ['pay-batch', 'grant'])
  })

  it('go to both of WeChat Pay’s hosts, within its limits', () => {
    const { endpoint } = createTestClient(() => assert.fail())
    assert.equal(endpoint?.account, 'wx-test')
    assert.equal(endpoint?.baseUrl, 'https://api.mch.weixin.qq.com')
    assert.equal(endpoint?.spareUrl, 'https://api2.mch.weixin.qq.com')
    assert.equal(endpoint?.timeoutMs, 15_000)
    const perSecond = (endpoint?.limits ?? []).map(({ bucket, count, perMs }) => [
      bucket,
      (count * 1000) / perMs,
    ])
    assert.deepEqual(perSecond.slice(0, 3), [
      ['batches', 50],
      ['batch-queries', 50],
      ['detail-queries', 50],
    ])
  })
})
