import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { until } from '../support/until.ts'
import {
  type Answer,
  batchBody,
  certificateKey,
  couponBody,
  encryptFor,
  newNumber,
  openResource,
  sandboxCertificate,
  sandboxPublicKey,
  startWechatpaySandbox,
  type TestSandbox,
  type WechatpaySandboxOptions,
} from '../support/wechatpay-sandbox.ts'

const openid = 'o-MYE42l80oelYMDE34nYD456Xoy'
const path = `/v3/multiuse/users/${openid}/coupons`
const serial = sandboxPublicKey.serial
const fieldOf = ({ json }: Answer) => (json.detail as { field?: string } | undefined)?.field

describe('the make-believe WeChat Pay: coupons, callbacks, certificates', () => {
  let world: TestSandbox
  const restart = async (options: WechatpaySandboxOptions = {}) => {
    world?.stop()
    world = await startWechatpaySandbox(options)
  }
  beforeEach(() => restart())
  afterEach(() => world.stop())

  const grant = (fields: Record<string, unknown> = {}, more: Parameters<TestSandbox['post']>[2] = {}) =>
    world.post(path, couponBody(fields), { serial, ...more })
  const query = (id: unknown, appid = 'wxf636efh567hg4356') =>
    world.get(`/v3/marketing/favor/users/${openid}/coupons/${id}?appid=${appid}`)
  const couponOf = (number: string) => world.sandbox.state().coupons.find((one) => one.number === number)
  const granted = async (word: string, fields: Record<string, unknown> = {}) => {
    const number = newNumber(word)
    const answer = await grant({ out_request_no: number, ...fields })
    assert.equal(answer.status, 200, answer.text)
    return number
  }
  const allUsed = (count: number) =>
    until('the callbacks', () => world.received.length >= count && world.received)

  describe('a grant', () => {
    beforeEach(() => restart({ fates: { delayMs: { from: 60_000, to: 60_000 } } }))

    it('gives a coupon, the same again for the same number, and refuses it with other parameters', async () => {
      const number = newNumber()
      const first = await grant({ out_request_no: number })
      assert.deepEqual([first.status, first.verified, Object.keys(first.json)], [200, true, ['coupon_id']])
      const again = await grant({ out_request_no: number })
      assert.deepEqual(again.json, first.json, 'though it is encrypted anew')
      const other = await grant({ out_request_no: number, amount: 5001 })
      assert.deepEqual([other.status, other.json.code], [400, 'INVALID_REQUEST'])
      const { json, verified } = await query(first.json.coupon_id)
      assert.equal(verified, true)
      assert.deepEqual(
        [json.stock_id, json.business_type, json.available_balance, json.status],
        ['9856000', 'MULTIUSE', 5000, 'SENDED'],
      )
    })

    for (const [title, fields, field] of [
      ['a stock of 21 characters', { stock_id: '1'.repeat(21) }, '/stock_id'],
      ['a number with a point', { out_request_no: 'a.b' }, '/out_request_no'],
      ['a number of 129 letters', { out_request_no: 'a'.repeat(129) }, '/out_request_no'],
      ['no name', { user_name: undefined }, '/user_name'],
      ['a name in the open', { user_name: '张三' }, '/user_name'],
      ['a card for another key', { id_card_number: encryptFor(certificateKey(), '1') }, '/id_card_number'],
      ['no amount', { amount: undefined }, '/amount'],
      ['an amount of zero', { amount: 0 }, '/amount'],
      ['no appid', { appid: undefined }, '/appid'],
      ['another kind of card', { card_type: 'PASSPORT' }, '/card_type'],
    ] as const) {
      it(`is refused with ${title}`, async () => {
        const answer = await grant(fields)
        assert.deepEqual([answer.status, answer.json.code, fieldOf(answer)], [400, 'PARAM_ERROR', field])
      })
    }

    it('needs the key named, and takes odd letters in its number', async () => {
      const answer = await grant({}, { serial: undefined })
      assert.equal(fieldOf(answer), 'Wechatpay-Serial')
      assert.equal((await grant({ out_request_no: `${newNumber()}|_*-` })).status, 200)
    })

    it('has no amount where its stock has a fixed worth', async () => {
      await restart({ deps: { fixedStocks: new Map([['777', 300]]) } })
      assert.equal(fieldOf(await grant({ stock_id: '777' })), '/amount')
      const number = newNumber()
      const { json } = await grant({ stock_id: '777', amount: undefined, out_request_no: number })
      assert.deepEqual([couponOf(number)?.amount, couponOf(number)?.id], [300, json.coupon_id])
    })

    it('is asked about by the one who has it, under the appid', async () => {
      const { json } = await grant()
      for (const answer of [await query('1'), await query(json.coupon_id, 'wx-other')])
        assert.deepEqual([answer.status, answer.json.code], [404, 'RESOURCE_NOT_EXISTS'])
      assert.equal(fieldOf(await query(json.coupon_id, '')), 'appid')
    })

    it('is refused once for want of money, and taken then', async () => {
      const number = newNumber('Refused')
      assert.equal((await grant({ out_request_no: number })).json.code, 'NOT_ENOUGH')
      assert.equal((await grant({ out_request_no: number })).status, 200)
    })
  })

  describe('COUPON.USE', () => {
    it('comes signed and encrypted for what was used, and never for more than it is worth', async () => {
      await restart({ fates: { delayMs: { from: 0, to: 5 } } })
      const numbers: string[] = []
      for (let i = 0; i < 30; i++) numbers.push(await granted('n', { amount: 1 + i * 7 }))
      const expected = () => world.sandbox.state().coupons.reduce((count, { uses }) => count + uses.length, 0)
      await until('every use to be told', () => expected() > 15 && expected() === world.received.length)
      const told = new Map<string, number>()
      for (const one of world.received) {
        assert.equal(one.verified, true)
        assert.equal(one.eventType, 'COUPON.USE')
        const { consume_amount } = one.resource.consume_information as { consume_amount: number }
        const id = String(one.resource.coupon_id)
        told.set(id, (told.get(id) ?? 0) + consume_amount)
      }
      for (const { id, amount, balance, status } of world.sandbox.state().coupons) {
        assert.equal(balance, amount - (told.get(id) ?? 0))
        assert.ok(balance >= 0)
        assert.equal(status, balance === 0 ? 'USED' : 'SENDED')
      }
      assert.equal(numbers.length, world.sandbox.state().coupons.length)
    })

    it('of a refused sending comes again, the same notice signed anew', async () => {
      const answers = [401, 503, 200]
      await restart({ answer: (nth) => answers[nth] ?? 200, fates: { seed: 3 } })
      await granted('Repeated', { amount: 1 })
      await allUsed(5)
      const [first, second, third] = world.received
      assert.equal(new Set(world.received.map(({ id }) => id)).size, 1)
      assert.notEqual(first?.headers['wechatpay-nonce'], second?.headers['wechatpay-nonce'])
      assert.equal(first?.body, third?.body)
    })

    for (const [word, flaw] of [
      ['Signtest', /^WECHATPAY\/SIGNTEST\//],
      ['WrongSignature', /^[0-9A-Za-z+/]+=*$/],
      ['Stale', /^[0-9A-Za-z+/]+=*$/],
    ] as const) {
      it(`${word}: the first cannot be believed, the right one follows`, async () => {
        // The answer to a probe goes wrong as well; the number is asked again.
        const number = newNumber(word)
        await grant({ out_request_no: number, amount: 1 })
        await allUsed(2)
        const [first, second] = world.received
        assert.deepEqual([first?.verified, second?.verified], [false, true])
        assert.match(String(first?.headers['wechatpay-signature']), flaw)
        assert.equal(first?.body, second?.body)
      })
    }

    it('Early: comes before the grant is answered', async () => {
      await granted('Early')
      assert.equal(world.received.length > 0, true)
    })

    it('ConcurrentRepeats: three copies at once', async () => {
      await granted('ConcurrentRepeats', { amount: 1 })
      await allUsed(3)
      assert.equal(new Set(world.received.map(({ body }) => body)).size, 1)
    })

    it('LostCallback: nothing comes, and the query knows', async () => {
      const number = await granted('LostCallback', { amount: 1 })
      const coupon = await until('the use', () => {
        const held = couponOf(number)
        return held?.balance === 0 && held
      })
      const { json } = await query(coupon.id)
      assert.deepEqual([json.available_balance, json.status], [0, 'USED'])
      assert.equal(world.received.length, 0)
    })

    it('MutatedAmount: says more than the coupon is worth, which is not what was taken off', async () => {
      const number = await granted('MutatedAmount')
      const amountOf = ({ resource }: { resource: Record<string, unknown> }) =>
        (resource.consume_information as { consume_amount: number }).consume_amount
      await until('the last use', () => world.received.some((one) => amountOf(one) === 5001))
      assert.ok((couponOf(number)?.balance ?? -1) >= 0)
    })

    it('Contradicting: one use with two amounts', async () => {
      await granted('Contradicting', { amount: 1 })
      const [first, second] = (await allUsed(2)).map(
        ({ resource }) => resource.consume_information as { transaction_id: string; consume_amount: number },
      )
      assert.equal(first?.transaction_id, second?.transaction_id)
      assert.notEqual(first?.consume_amount, second?.consume_amount)
    })

    it('Reordered: the last use first', async () => {
      const number = await granted('Reordered')
      await allUsed(2)
      const uses = couponOf(number)?.uses.map(({ transactionId }) => transactionId)
      const told = await until('all of them', () => {
        const ids = world.received.map(
          ({ resource }) => (resource.consume_information as { transaction_id: string }).transaction_id,
        )
        return ids.length === uses?.length && ids
      })
      assert.deepEqual(told.toReversed(), uses)
    })

    it('is not sent while callbacks are switched off', async () => {
      world.callbacks.turn(false)
      // Early, so that its sending is over when the grant is answered.
      const unheard = await granted('Early', { amount: 1 })
      world.callbacks.turn(true)
      await granted('Early', { amount: 1 })
      assert.equal(world.received.length, 1)
      assert.notEqual(world.received[0]?.resource.coupon_id, couponOf(unheard)?.id)
    })
  })

  it('calls back about batches only where it is asked to, as for direct merchants', async () => {
    const batches = '/v3/partner-transfer/batches'
    await restart({ deps: { batchCallbacks: true } })
    const finished = batchBody()
    const closed = batchBody({ out_batch_no: newNumber('BatchClosed') })
    for (const body of [finished, closed]) assert.equal((await world.post(batches, body)).status, 200)
    const told = new Map((await allUsed(2)).map((one) => [one.resource.out_batch_no, one]))
    const good = told.get(finished.out_batch_no)
    assert.equal(good?.eventType, 'MCHTRANSFER.BATCH.FINISHED')
    assert.equal(good?.resource.success_amount, finished.total_amount)
    const bad = told.get(closed.out_batch_no)
    assert.equal(bad?.eventType, 'MCHTRANSFER.BATCH.CLOSED')
    assert.ok(bad?.resource.close_reason)
  })

  describe('keys', () => {
    it('lists certificates, encrypted under the APIv3 key and signed by one of them', async () => {
      await restart({ mode: 'certificates' })
      const answer = await world.get('/v3/certificates')
      assert.deepEqual([answer.status, answer.verified], [200, true])
      const [entry] = answer.json.data as {
        serial_no: string
        encrypt_certificate: Parameters<typeof openResource>[0]
      }[]
      assert.ok(entry)
      const certificate = new X509Certificate(openResource(entry.encrypt_certificate))
      assert.equal(certificate.serialNumber, entry.serial_no)
      assert.equal(answer.headers.get('wechatpay-serial'), entry.serial_no)
      assert.ok(certificate.verify(certificate.publicKey))
      assert.ok(
        Date.parse(certificate.validTo) > Date.now() && Date.parse(certificate.validFrom) < Date.now(),
      )
    })

    it('lists both while a new one takes over', async () => {
      await restart({ mode: 'certificates' })
      const secret = encryptFor(certificateKey(), '张三')
      const body = couponBody({
        out_request_no: newNumber('KeyRotation'),
        user_name: secret,
        id_card_number: secret,
      })
      const old = { serial: sandboxCertificate.serial }
      assert.equal((await world.post(path, body, old)).verified, true)
      const { json, headers, verified } = await world.get('/v3/certificates')
      const serials = (json.data as { serial_no: string }[]).map((one) => one.serial_no)
      assert.equal(serials.length, 2)
      assert.equal(serials[0], sandboxCertificate.serial)
      assert.deepEqual([headers.get('wechatpay-serial'), verified], [serials[1], true])
    })

    it('has no certificates in public-key mode', async () => {
      await restart({ mode: 'public-key' })
      const { status, json, headers } = await world.get('/v3/certificates')
      assert.deepEqual([status, json.code], [404, 'RESOURCE_NOT_EXISTS'])
      assert.equal(headers.get('wechatpay-serial'), sandboxPublicKey.serial)
    })

    it('signs with the kind of key that is named while a merchant goes over', async () => {
      for (const named of [sandboxPublicKey.serial, sandboxCertificate.serial]) {
        const { headers, verified } = await world.get('/v3/certificates', { serial: named })
        assert.deepEqual([headers.get('wechatpay-serial'), verified], [named, true])
      }
    })

    it('calls back under both kinds meanwhile', async () => {
      await restart({ fates: { delayMs: { from: 0, to: 0 } } })
      for (let i = 0; i < 12; i++) await granted(`Repeated`, { amount: 1 })
      await allUsed(36)
      const serials = new Set(world.received.map(({ headers }) => headers['wechatpay-serial']))
      assert.deepEqual([...serials].sort(), [sandboxCertificate.serial, sandboxPublicKey.serial])
      assert.ok(world.received.every(({ verified }) => verified))
    })

    it('refuses another algorithm', async () => {
      assert.equal((await world.get('/v3/certificates?algorithm_type=RSA')).status, 200)
      assert.equal((await world.get('/v3/certificates?algorithm_type=SM2')).status, 404)
      assert.equal(fieldOf(await world.get('/v3/certificates?algorithm_type=DSA')), 'algorithm_type')
    })
  })
})
