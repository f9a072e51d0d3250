import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Express, Router } from 'express'
import type { Redis } from 'ioredis'
import request from 'supertest'
import type { Receipt } from '../../../src/domain/receipt.ts'
import type { Transfer } from '../../../src/domain/transfer.ts'
import { createAccountRoutes } from '../../../src/http/api/accounts.ts'
import { createReceiptRoutes } from '../../../src/http/api/receipts.ts'
import { createReverify } from '../../../src/http/api/reverify.ts'
import { createTransferSearchRoutes } from '../../../src/http/api/transfer-search.ts'
import { createTokens } from '../../../src/http/tokens.ts'
import { digestBody } from '../../../src/providers/digest.ts'
import type { AccountProvider } from '../../../src/providers/provider.ts'
import type { ZenospayAccount } from '../../../src/providers/zenospay/account.ts'
import { createZenospay } from '../../../src/providers/zenospay/index.ts'
import type { JobDraft } from '../../../src/queue/catalogue.ts'
import type { SignedCallback } from '../../../src/sandbox/signed-callback.ts'
import { transferIdOf } from '../../../src/store/ids.ts'
import { createKeyUsage, type KeyUsage } from '../../../src/store/key-usage.ts'
import { createQuarantine, type Quarantine } from '../../../src/store/quarantine.ts'
import { createOpenBody, createReceiptFinder } from '../../../src/store/receipts.ts'
import { loadScripts } from '../../../src/store/scripts.ts'
import { createTransferSearch } from '../../../src/store/transfer-search.ts'
import { createApiApp } from '../../support/api-app.ts'
import { createMemoryLogger } from '../../support/log.ts'
import { createMemoryArchive } from '../../support/memory-archive.ts'
import { createTestClients } from '../../support/redis.ts'
import {
  createTestReconcile,
  createTestStore,
  digestPerson,
  ids,
  keyring,
  openReceiptOf,
  receiptOf,
  registerIn,
  type TestStore,
} from '../../support/store.ts'
import {
  newReference,
  providerKey,
  signedBody,
  signedDisbursement,
  strangerKey,
  testAccount,
} from '../../support/zenospay.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const account = testAccount.id

describe('receipts, quarantine and keys in the API', () => {
  const clients = createTestClients()
  let redis: Redis
  let store: TestStore
  let quarantine: Quarantine
  let usage: KeyUsage
  let noted: unknown[][]
  let jobs: JobDraft[]
  let addJobs: (drafts: JobDraft[]) => Promise<unknown>
  let queued: Map<string, Receipt>
  let app: Express
  let logger: ReturnType<typeof createMemoryLogger>

  before(async () => {
    redis = await clients.open()
  })
  beforeEach(() => {
    store = createTestStore(redis)
    const { keys } = store
    const scripts = loadScripts(redis)
    const limits = { keep: 100, days: 30 }
    quarantine = createQuarantine({ redis, scripts, keys, sealer: keyring, ids, limits, clock: Date.now })
    usage = createKeyUsage({ redis, scripts, keys })
    jobs = []
    addJobs = async (drafts) => void jobs.push(...drafts)
    queued = new Map()
    logger = createMemoryLogger()
    app = build(createZenospay(testAccount))
  })
  after(() => clients.closeAll())

  function build(provider: AccountProvider): Express {
    const { authenticate } = createTokens([
      { id: 'operator', sha256: sha256('operator'), scopes: ['ops:read', 'ops:act'] },
      { id: 'viewer', sha256: sha256('viewer'), scopes: ['ops:read'] },
      { id: 'ledger', sha256: sha256('ledger'), scopes: ['transfers:read'] },
    ])
    const providers = new Map([[provider.account, provider]])
    const { keys } = store
    const add = (drafts: JobDraft[]) => addJobs(drafts)
    noted = []
    const routes = [
      createReceiptRoutes({
        authenticate,
        accounts: [account],
        quarantine,
        receipts: createReceiptFinder({ redis, keys, archive: createMemoryArchive() }),
        findQueued: async (id) => queued.get(id),
        reverify: createReverify({
          providers,
          isSourceAllowed: (_account, source) => source !== '198.51.100.66',
          quarantine,
          addJobs: add,
          seal: keyring.seal,
          openBody: createOpenBody({ keys, sealer: keyring, vault: store.vault }),
          ids,
          noteUse: (...args) => void noted.push(args),
        }),
        logger,
      }),
      createAccountRoutes({ authenticate, providers, usage }),
      createTransferSearchRoutes({
        authenticate,
        search: createTransferSearch({
          redis,
          keys,
          intents: store.intents,
          digestNumber: digestPerson,
        }),
        vault: store.vault,
      }),
    ]
    const redisState = () => ({ state: 'ok' as const })
    return createApiApp({ routes, ops: Router(), authenticate, redisState, clock: Date.now, logger })
  }

  const get = (path: string, token = 'viewer') =>
    request(app).get(`/v1${path}`).set('authorization', `Bearer ${token}`)
  const post = (path: string, body?: object, token = 'operator') =>
    request(app).post(`/v1${path}`).set('authorization', `Bearer ${token}`).send(body)

  async function refuse({ headers, body }: SignedCallback, fields: object = {}): Promise<string> {
    await quarantine.keep({
      account,
      reason: 'signature-wrong',
      source: '192.0.2.1',
      receivedAt: Date.now(),
      digest: digestBody(Buffer.from(body)),
      path: `/callbacks/${account}`,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: Buffer.from(body),
      ...fields,
    })
    const page = await quarantine.list({ accounts: [account], limit: 1 })
    return page.entries[0]?.id ?? ''
  }
  const forged = (body = '{"planted":1}') => signedBody(body, { privateKey: strangerKey })

  describe('quarantine', () => {
    it('lists what was refused, newest first, and shows nothing of what it said', async () => {
      const first = await refuse(forged())
      const second = await refuse(forged())
      const response = await get('/quarantine?limit=1')
      assert.equal(response.status, 200)
      const [entry] = response.body.items
      assert.deepEqual(Object.keys(entry).sort(), [
        'account',
        'bytes',
        'digest',
        'id',
        'kept',
        'reason',
        'receivedAt',
        'source',
        'where',
      ])
      assert.equal(entry.id, second)
      assert.equal(response.body.next, second)
      const next = await get(`/quarantine?account=${account}&after=${second}`)
      assert.deepEqual([next.body.items.length, next.body.items[0].id, next.body.next], [1, first, null])
      assert.deepEqual((await get('/quarantine?account=other')).body, { items: [], next: null })
      const shown = await get(`/receipts/${first}`)
      assert.deepEqual(shown.body, next.body.items[0])
      assert.ok(!JSON.stringify([response.body, shown.body]).includes('planted'))
    })

    it('asks for the scopes', async () => {
      const id = await refuse(forged())
      assert.equal((await get('/quarantine', 'ledger')).status, 403)
      assert.equal((await get(`/receipts/${id}`, 'ledger')).status, 403)
      assert.equal((await post(`/receipts/${id}/reverify`, undefined, 'viewer')).status, 403)
      assert.equal((await get(`/accounts/${account}/keys`, 'ledger')).status, 403)
      assert.equal((await post('/transfers/search', { accountNumber: '1' }, 'viewer')).status, 403)
      assert.equal(jobs.length, 0)
    })

    it('refuses a cursor and a limit that are none, and another method', async () => {
      for (const query of ['after=rc-1', 'limit=0', 'limit=1001', 'limit=x', 'what=1'])
        assert.equal((await get(`/quarantine?${query}`)).status, 422, query)
      assert.equal((await post('/quarantine', {})).headers.allow, 'GET, HEAD')
    })
  })

  describe('verified again', () => {
    it('stays refused where its source is not allowed, however well it is signed', async () => {
      app = build(createZenospay(testAccount))
      const id = await refuse(signedDisbursement(), { reason: 'source-not-allowed', source: '198.51.100.66' })
      const { body } = await post(`/receipts/${id}/reverify`)
      assert.deepEqual(body, { id, outcome: 'refused', reason: 'source-not-allowed' })
      assert.equal(jobs.length, 0)
    })

    it('is accepted once its key is configured, at the time at which it came, and reaches its transfer', async () => {
      const reference = newReference()
      const transfer = await registerIn(store, reference)
      const hourAgo = Date.now() - 3_600_000
      const { headers, body } = signedDisbursement({ reference })
      const late = signedBody(body, { now: hourAgo })
      const id = await refuse({ ...late, headers: { ...headers, ...late.headers } }, { receivedAt: hourAgo })
      const wrongKey: ZenospayAccount = {
        ...testAccount,
        providerPublicKeys: [{ id: 'other', key: strangerKey }],
      }
      app = build(createZenospay(wrongKey))
      const before = await post(`/receipts/${id}/reverify`)
      assert.deepEqual(before.body, { id, outcome: 'refused', reason: 'signature-wrong' })
      assert.deepEqual(noted, [])
      assert.equal(jobs.length, 0)

      app = build(createZenospay(testAccount))
      const response = await post(`/receipts/${id}/reverify`)
      const keyId = testAccount.providerPublicKeys[0]?.id
      assert.deepEqual(response.body, { id, outcome: 'authentic', keyId, accepted: true })
      assert.deepEqual(noted, [[account, keyId, hourAgo]], 'its key has verified one more')
      const [job] = jobs
      assert.equal(job?.name, 'apply-callbacks')
      assert.match(job.opts.jobId, /^group-/)
      assert.ok(job.data.v === 1)
      const [receipt] = job.data.receipts
      assert.ok(receipt)
      assert.deepEqual([receipt.id, receipt.account, receipt.receivedAt], [id, account, hourAgo])
      assert.equal(await quarantine.find(receipt.id, [account]), undefined)

      const reconcile = createTestReconcile(store, { logger })
      await reconcile.applyAll(job.data.receipts)
      const stored = await get(`/receipts/${id}`)
      assert.equal(stored.body.where, 'store')
      assert.equal(stored.body.outcome, 'applied')
      assert.equal(stored.body.intent, transfer.id)
      assert.equal(stored.body.bytes, Buffer.byteLength(body))
      assert.deepEqual(Object.keys(stored.body.headers).sort(), [
        'path',
        'x-partner-id',
        'x-signature',
        'x-timestamp',
      ])
      assert.ok(!JSON.stringify(stored.body).includes('s1.'))

      const again = await post(`/receipts/${id}/reverify`)
      assert.deepEqual(again.body, { id, outcome: 'authentic', keyId, accepted: false })
      assert.equal(jobs.length, 1)
    })

    it('stays in quarantine when the queue does not take it, and is taken the next time under the same id', async () => {
      const id = await refuse(signedDisbursement())
      addJobs = async () => Promise.reject(new Error('Connection is closed.'))
      assert.equal((await post(`/receipts/${id}/reverify`)).status, 503)
      assert.equal((await get(`/receipts/${id}`)).body.where, 'quarantine')
      addJobs = async (drafts) => void jobs.push(...drafts)
      assert.equal((await post(`/receipts/${id}/reverify`)).body.accepted, true)
      assert.equal(jobs[0]?.data.receipts[0]?.id, id)
    })

    it('stays outside the window where it came outside of it', async () => {
      const id = await refuse(signedBody('{}', { now: Date.now() - 3_600_000 }))
      const { body } = await post(`/receipts/${id}/reverify`)
      assert.deepEqual(body, { id, outcome: 'refused', reason: 'outside-window' })
    })

    it('waits for a provider that answers later, and says when its keys are not there', async () => {
      const id = await refuse(forged())
      const provider = createZenospay(testAccount)
      app = build({ ...provider, verify: async () => ({ outcome: 'keys-not-loaded', digest: '' }) })
      const missing = await post(`/receipts/${id}/reverify`)
      assert.deepEqual([missing.status, missing.body.code], [503, 'keys-not-loaded'])
      app = build({
        ...provider,
        verify: async () => ({
          outcome: 'authentic',
          keyId: 'k',
          digest: 'd',
          headers: {},
          unverified: true,
        }),
      })
      assert.equal((await post(`/receipts/${id}/reverify`)).body.accepted, true)
      assert.equal(jobs[0]?.data.receipts[0]?.unverified, true)
    })

    it('says so where it cannot: too large, no such account any more', async () => {
      const large = await refuse(signedBody('x'.repeat(20_000)))
      const id = await refuse(signedDisbursement())
      app = build({ ...createZenospay(testAccount), account: 'other' })
      for (const one of [large, id]) {
        const response = await post(`/receipts/${one}/reverify`)
        assert.deepEqual([response.status, response.body.code], [409, 'cannot-reverify'])
      }
      assert.equal((await get(`/receipts/${large}`)).body.kept, false)
    })

    it('tells a stored one that is not genuine', async () => {
      const receipt = await record(await registerIn(store, newReference()), forged('{}').headers)
      const { body } = await post(`/receipts/${receipt}/reverify`)
      assert.equal(body.outcome, 'refused')
    })

    it('says so where it cannot: the body of a stored one was erased', async () => {
      const transfer = await registerIn(store, newReference())
      const receipt = await record(transfer, forged('{}').headers)
      await store.vault.forget(transfer.personal.person)
      const response = await post(`/receipts/${receipt}/reverify`)
      assert.deepEqual([response.status, response.body.code], [409, 'cannot-reverify'])
      assert.equal(
        (await get(`/receipts/${receipt}`)).body.intent,
        transfer.id,
        'what else is known is shown',
      )
    })

    async function record(before: Transfer, headers: Record<string, string>): Promise<string> {
      const open = { ...openReceiptOf('{}'), headers }
      const because = { source: 'callback' } as const
      await store.intents.commit({ before, steps: [], because, receipt: { open, outcome: 'repeat' }, at: 1 })
      return open.id
    }
  })

  it('finds a receipt that is ready, or failed on the queue, and none that is not there', async () => {
    const reference = newReference()
    const ready = openReceiptOf('{}')
    await store.intents.parkAll([{ target: transferIdOf(account, reference), account, receipt: ready }])
    await registerIn(store, reference)
    assert.equal((await get(`/receipts/${ready.id}`)).body.where, 'ready')
    const failed = receiptOf('{}')
    queued.set(failed.id, failed)
    assert.equal((await get(`/receipts/${failed.id}`)).body.where, 'queue')
    for (const id of [ids.receiptId(), 'rc-1', 'nothing'])
      assert.equal((await get(`/receipts/${id}`)).status, 404, id)
  })

  it('shows the keys with their counts: the silent one, and the one that is no longer configured', async () => {
    const current = testAccount.providerPublicKeys[0]?.id ?? ''
    const provider = createZenospay({
      ...testAccount,
      providerPublicKeys: [...testAccount.providerPublicKeys, { id: 'silent', key: providerKey }],
    })
    app = build(provider)
    usage.note(account, current, Date.parse('2026-01-02T03:04:05.678Z'))
    usage.note(account, 'gone', Date.parse('2025-01-01T00:00:00Z'))
    usage.noteRefusal(account, 'signature-wrong', Date.parse('2026-01-01T00:00:00Z'))
    await usage.flush()
    const { body } = await get(`/accounts/${account}/keys`)
    assert.deepEqual(body, {
      account,
      keys: [
        { keyId: current, configured: true, count: 1, lastUsedAt: '2026-01-02T03:04:05.678Z' },
        { keyId: 'silent', configured: true, count: 0, lastUsedAt: null },
        { keyId: 'gone', configured: false, count: 1, lastUsedAt: '2025-01-01T00:00:00.000Z' },
      ],
      refusals: [{ reason: 'signature-wrong', count: 1, lastAt: '2026-01-01T00:00:00.000Z' }],
    })
    assert.equal((await get('/accounts/nobody/keys')).status, 404)
  })

  describe('POST /v1/transfers/search', () => {
    it('finds by account number, page by page, and leaves the number out of the log', async () => {
      const number = `5${Date.now()}2`
      const beneficiary = { kind: 'bank', bankCode: '002', accountNumber: number, name: 'X' } as const
      const made: string[] = []
      for (let i = 0; i < 3; i++) {
        made.push((await registerIn(store, newReference(), { beneficiary })).id)
      }
      const first = await post('/transfers/search', { accountNumber: ` ${number}`, limit: 2 }, 'ledger')
      assert.equal(first.status, 200)
      const after = first.body.next
      const second = await post('/transfers/search', { accountNumber: number, limit: 2, after }, 'ledger')
      const found = [...first.body.items, ...second.body.items].map(({ id }) => id)
      assert.deepEqual(found.sort(), made.sort())
      assert.equal(second.body.next, null)
      assert.equal(first.body.items[0].beneficiary.accountNumber, number)
      assert.ok(!JSON.stringify(logger.lines).includes(number))
    })

    it('refuses what is not a search', async () => {
      for (const body of [
        {},
        { accountNumber: '' },
        { accountNumber: '1', after: 'x' },
        { accountNumber: 1 },
      ])
        assert.equal((await post('/transfers/search', body, 'ledger')).status, 422, JSON.stringify(body))
      assert.equal((await get('/transfers/search', 'ledger')).headers.allow, 'POST')
    })
  })
})
