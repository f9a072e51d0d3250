import assert from 'node:assert/strict'
import { Queue, UnrecoverableError, Worker } from 'bullmq'
import { runAudit } from '../../src/cli/audit.ts'
import { runReplay } from '../../src/cli/replay.ts'
import { queuePrefix } from '../../src/compose/base.ts'
import { compose } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/config.ts'
import { callbackQueueName, singleJob } from '../../src/queue/catalogue.ts'
import { describeDisbursement } from '../../src/sandbox/signed-callback.ts'
import { createKeyring } from '../../src/seal/keyring.ts'
import { createLifecycle } from '../../src/telemetry/lifecycle.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'
import { receiptOf } from '../support/store.ts'
import { until } from '../support/until.ts'
import { disbursement, newReference, testAccount } from '../support/zenospay.ts'

describe('tallyhook replay', () => {
  let direct: DirectConfig
  let env: NodeJS.ProcessEnv
  let out: string
  let err: string
  let stopWork: () => Promise<unknown>

  beforeEach(async () => {
    direct = await openDirectConfig()
    env = direct.env
    stopWork = async () => {}
  })
  afterEach(async () => {
    await stopWork()
    await direct.close()
  })

  const into = () => {
    out = ''
    err = ''
    return {
      out(text: string) {
        out += text
      },
      err(text: string) {
        err += text
      },
    }
  }
  const run = (...args: string[]) => runReplay(args, env, into())

  /** Jobs of callbacks as they lie there after they failed. */
  async function fail(...bodies: string[]): Promise<string[]> {
    const { keys } = loadConfig(env, false).seal
    const sealer = createKeyring(keys)
    const receipts = bodies.map((body) => {
      const receipt = receiptOf(body)
      return { ...receipt, body: sealer.seal(Buffer.from(body), `receipt:${receipt.id}`) }
    })
    const queue = new Queue(callbackQueueName, { connection: direct.redis, prefix: queuePrefix })
    const connection = direct.redis.duplicate({ maxRetriesPerRequest: null })
    const refuse = async () => {
      throw new UnrecoverableError('callback-not-understood: The status "settled" is not known.')
    }
    const worker = new Worker(callbackQueueName, refuse, { connection, prefix: queuePrefix })
    await queue.addBulk(receipts.map(singleJob))
    await until('failed jobs', async () => (await queue.getFailedCount()) === bodies.length)
    await worker.close()
    connection.disconnect()
    await queue.close()
    return receipts.map(({ id }) => id)
  }

  async function work(): Promise<void> {
    const lifecycle = createLifecycle({ logger: silentLogger, clock: Date.now, stopBudgetMs: 9_000 })
    stopWork = () => lifecycle.stop()
    await compose('work', { config: loadConfig(env, false), env, lifecycle, logger: silentLogger })
  }

  const paid = (reference: string) =>
    describeDisbursement(disbursement({ reference, accountName: 'Jane Roe' }))

  it('says what would happen, and does it when it is told to, with progress on standard error', async () => {
    const reference = newReference()
    const { id, intents } = await direct.register(reference, '0000000000')
    const [first] = await fail(paid(reference), 'not JSON')
    assert.equal(await run('--account', testAccount.id, '--since', '2026-01-01T00:00:00Z'), 0)
    assert.match(out, /^2 callbacks: 1 applied, 1 failed$/m)
    assert.match(out, /^1 would change, worth 25000\.00 IDR:$/m)
    assert.match(
      out,
      new RegExp(`^ {2}transfer ${testAccount.id} ${reference}: registered → succeeded$`, 'm'),
    )
    assert.match(out, /1 {2}tallyhook\.transfer\.succeeded\.v1/)
    assert.match(out, /Would fail again:\n {2}1 {2}callback-not-understood/)
    assert.match(err, /Nothing was done/)
    assert.equal(await run('--dry-run', '--json', '--ids', String(first)), 0)
    assert.deepEqual(JSON.parse(out).outcomes, { applied: 1 })
    assert.equal((await intents.find(id))?.state, 'registered')

    await work()
    const words = ['--yes', '--reason', 'It is mended.', '--by', 'night shift']
    assert.equal(await run(...words, '--ids', String(first)), 0)
    assert.match(err, /Replay rp-\w+ has begun/)
    assert.match(out, /Done: 1 of 1: 1 applied/)
    assert.equal((await intents.find(id))?.state, 'succeeded')
    assert.equal(await run(...words, '--json'), 1, 'one fails again')
    const { state, by, failures } = JSON.parse(out)
    assert.deepEqual([state, by, failures[0].code], ['done', 'night shift', 'callback-not-understood'])
    assert.equal(await runAudit(['list', '--action', 'callback-replay.begin', '--json'], env, into()), 0)
    const [{ who, reason, outcome }] = JSON.parse(out).items
    assert.deepEqual([who, reason, outcome], ['night shift', 'It is mended.', 'done'])
    assert.equal(await run('list'), 0)
    assert.equal(out.match(/ {2}done {2}night shift: It is mended\./g)?.length, 2)
  })

  it('shows, aborts and resumes', async () => {
    await fail(paid(newReference()))
    const begun = run('--yes', '--reason', 'It is mended.')
    const id = await until('its begin', () => /Replay (rp-\w+) has begun/.exec(err)?.[1])
    const said = { out: () => {}, err: () => {} }
    assert.equal(await runReplay(['abort', id], env, said), 0)
    assert.equal(await begun, 1)
    assert.match(out, /Aborted: 0 of 1/)
    assert.equal(await run('show', id), 0)
    assert.equal(JSON.parse(out).state, 'aborted')
    await work()
    assert.equal(await run('resume', id), 0)
    assert.match(out, /Done: 1 of 1: 1 parked/)
    await assert.rejects(run('resume', id), /replay-ended/)
  })

  it('names what is off with its words', async () => {
    await assert.rejects(run('--yes'), /--reason: It is required/)
    await assert.rejects(run('--yes', '--dry-run', '--reason', 'x'), /only one/)
    await assert.rejects(run('--since', 'yesterday'), /--since: It must be a time/)
    await assert.rejects(run('--from', 'failed,nowhere'), /--from: /)
    await assert.rejects(run('--code', 'unheard-of'), /--code: /)
    await assert.rejects(run('--per-second', '0'), /--per-second/)
    await assert.rejects(run('show', 'rp-1'), /not-found/)
    assert.equal(await run('undo'), 2)
    assert.equal(await run('abort'), 2)
    assert.equal(await run('--help'), 0)
    assert.match(out, /Exit code/)
  })
})
