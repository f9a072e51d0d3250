import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { couponRequest } from '../support/coupons.ts'
import { createFolder, type Folder, type Program, readEvents } from '../support/program.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

const token = randomBytes(24).toString('base64url')
const apiV3Key = randomBytes(16).toString('hex')
const serial = 'PUB_KEY_ID_0114232134912410000000000000'
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const config = {
  accounts: [
    {
      id: 'wx-main',
      provider: 'wechatpay',
      mchid: '1900000001',
      apiV3Keys: [{ env: 'WX_APIV3_KEY' }],
      platformKeys: { [serial]: publicKey },
      currency: 'CNY',
    },
    {
      id: 'zeno-main',
      provider: 'zenospay',
      partnerId: 'client-key',
      providerPublicKeys: [publicKey],
      currency: 'IDR',
    },
  ],
  api: {
    tokens: [
      {
        id: 'ledger',
        sha256: createHash('sha256').update(token).digest('hex'),
        scopes: ['transfers:write', 'transfers:read', 'events:read', 'ops:read'],
      },
    ],
  },
  seal: {
    keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }],
    indexKey: randomBytes(32).toString('base64'),
  },
}

interface Resource {
  id: string
  state: string
  held: boolean
  hold?: { reason: string }
  consumed?: { value: string }
  uses?: { transaction: string; amount: { value: string } }[]
  customer?: { name?: string }
}

describe('the built program with coupons and pay-ins', function () {
  this.timeout(90_000)
  let place: Folder
  let env: NodeJS.ProcessEnv
  let program: Program
  beforeEach(async () => {
    place = createFolder()
    const file = join(place.folder, 'tallyhook.json')
    writeFileSync(file, JSON.stringify(config))
    writeFileSync(join(place.folder, 'provider.pem'), privateKey)
    env = { TALLYHOOK_CONFIG: file, WX_APIV3_KEY: apiV3Key }
    program = await place.start('all', env)
  })
  afterEach(() => place.dispose())

  async function send(account: string, ...flags: string[]): Promise<void> {
    const { stdout, stderr } = await place.run(
      ['send', '--json', '--account', account, '--private-key', 'provider.pem', ...flags],
      env,
    )
    assert.equal((JSON.parse(stdout || '{}') as { status?: number }).status, 200, stderr)
  }
  const use = (coupon: string, transaction: string, amount: string) =>
    send(
      'wx-main',
      '--event',
      'COUPON.USE',
      '--coupon',
      coupon,
      '--inquiry-id',
      transaction,
      '--amount',
      amount,
    )
  const payIn = (reference: string, transaction: string, amount: string) =>
    send(
      'zeno-main',
      ...['--event', 'payment.completed', '--reference', reference],
      ...['--inquiry-id', transaction, '--amount', amount],
    )

  async function call<Answer>(path: string, body?: object): Promise<{ status: number; answer: Answer }> {
    const response = await fetch(`${program.apiUrl}/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: response.status, answer: (await response.json()) as Answer }
  }
  const register = (providerReference?: string) =>
    call<Resource>(
      '/coupons',
      couponRequest({
        account: 'wx-main',
        ...(providerReference !== undefined && { providerReference }),
      }),
    )
  const when = (path: string, what: string, is: (one: Resource) => boolean) =>
    until(what, async () => {
      const { answer } = await call<Resource>(path)
      return is(answer) && answer
    })
  const factsOf = async (subject: string) =>
    (await readEvents(program.apiUrl, token))
      .filter((event) => event.subject === subject)
      .map(({ type, sequence }) => `${sequence} ${type.split('.')[2]}`)

  it('counts what was consumed before the coupon was registered, though the process was killed in between', async () => {
    await use('c-1', 't-1', '3.00')
    await use('c-1', 't-2', '1.50')
    program.child.kill('SIGKILL')
    await program.exited
    program = await place.start('all', env)
    const { status, answer } = await register('c-1')
    assert.equal(status, 201)
    const path = `/coupons/${answer.id}`
    const shown = await when(path, 'both uses', ({ consumed }) => consumed?.value === '4.50')
    assert.deepEqual(shown.uses?.map(({ transaction }) => transaction).sort(), ['t-1', 't-2'])
    assert.deepEqual(await factsOf(answer.id), ['1 registered', '2 granted', '3 used', '4 used'])

    await use('c-1', 't-1', '3.00')
    await use('c-1', 't-3', '0.50')
    await when(path, 'the third use', ({ consumed }) => consumed?.value === '5.00')
    await use('c-1', 't-3', '0.51')
    const held = await when(path, 'the hold', (one) => one.held)
    assert.deepEqual([held.hold?.reason, held.consumed?.value], ['amount-differs', '5.00'])
    const cases = await call<{ items: { kind: string; code: string; receipts: string[] }[] }>(
      '/cases?state=open',
    )
    assert.deepEqual(
      cases.answer.items.map(({ kind, code, receipts }) => [kind, code, receipts.length]),
      [['held', 'amount-differs', 1]],
    )
  })

  it('makes a pay-in of its first callback, once, and holds it where it is told otherwise', async () => {
    const [reference, transaction] = [newReference(), newReference()]
    await payIn(reference, transaction, '10000.00')
    const query = `/collections?account=zeno-main&reference=${reference}`
    const made = await until(
      'the pay-in',
      async () => (await call<{ items: Resource[] }>(query)).answer.items[0],
    )
    assert.equal(made.state, 'completed')
    await payIn(reference, transaction, '10000.00')
    await payIn(reference, transaction, '10000.01')
    const held = await when(`/collections/${made.id}`, 'the hold', (one) => one.held)
    assert.equal(held.hold?.reason, 'amount-differs')
    assert.deepEqual(await factsOf(made.id), ['1 completed', '2 held'])
    const byNumber = `/collections?account=zeno-main&transaction=${transaction}`
    assert.deepEqual((await call<{ items: Resource[] }>(byNumber)).answer.items, [held])
  })
})
