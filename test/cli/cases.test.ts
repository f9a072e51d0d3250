import assert from 'node:assert/strict'
import { runCases } from '../../src/cli/cases.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { createCases } from '../../src/store/cases.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'
import { ids } from '../support/store.ts'
import { newReference, testAccount } from '../support/zenospay.ts'

describe('tallyhook cases', () => {
  let direct: DirectConfig
  let redis: DirectConfig['redis']
  let keys: DirectConfig['keys']
  let env: NodeJS.ProcessEnv
  let said: string

  beforeEach(async () => {
    direct = await openDirectConfig()
    ;({ redis, keys, env } = direct)
  })
  afterEach(() => direct.close())

  const run = (...args: string[]) => {
    said = ''
    const write = (text: string) => {
      said += text
    }
    return runCases(args, env, { out: write, err: write })
  }

  const printed = () => said

  async function opened(openedAt: number): Promise<string> {
    const receipt = ids.receiptId()
    const cases = createCases({ redis, keys, clock: () => openedAt })
    const reason = 'No APIv3 key opens it.'
    await cases.open({ account: testAccount.id, receipt, code: 'callback-not-understood', reason })
    return caseIdOfReceipt(receipt)
  }

  it('lists, shows and resolves', async () => {
    const first = await opened(1_000)
    const second = await opened(2_000)
    assert.equal(await run('list', '--json', '--limit', '1'), 0)
    const { items, next } = JSON.parse(said)
    assert.equal(items[0].id, second)
    assert.equal(await run('list', '--after', next), 0)
    assert.ok(said.includes(first) && !said.includes(second))
    assert.match(said, /callback-not-understood: No APIv3 key opens it\./)
    assert.equal(await run('show', first), 0)
    assert.equal(JSON.parse(said).openedAt, '1970-01-01T00:00:01.000Z')

    assert.equal(await run('resolve', first, '--reason', 'paid by hand', '--by', 'night shift'), 0)
    assert.match(said, /stays where it is/)
    assert.equal(await run('resolve', second, '--reason', 'a test', '--json'), 0)
    assert.equal(JSON.parse(said).resolvedBy, 'cli')
    assert.equal(await run('list', '--state', 'open'), 0)
    assert.equal(said, 'There is no open case.\n')
    assert.equal(await run('list', '--state', 'open', '--account', 'other'), 0)
    assert.equal(said, 'There is no open case of other.\n')
    assert.equal(await run('list', '--state', 'resolved', '--account', testAccount.id, '--json'), 0)
    assert.deepEqual(
      JSON.parse(said).items.map((one: { id: string; resolvedBy: string }) => [one.id, one.resolvedBy]),
      [
        [second, 'cli'],
        [first, 'night shift'],
      ],
    )
    await assert.rejects(run('resolve', first, '--reason', 'another'), /case-resolved/)
  })

  it('shows both sides of what is held, and decides it', async () => {
    const reference = newReference()
    const number = '5550001234'
    const { id, intents, say, pump } = await direct.register(reference, number)
    await say({ amount: '1.00' })
    await say({})
    const held = (await intents.find(id))?.hold?.case ?? ''

    assert.equal(await run('show', held), 0)
    const { sides } = JSON.parse(printed())
    assert.deepEqual(sides.ours.beneficiary, { accountNumber: '****1234', name: 'Jane Roe' })
    assert.deepEqual(
      sides.theirs.map(({ differs }: { differs: string[] }) => differs),
      [['status', 'amount'], ['status']],
    )
    assert.ok(!printed().includes(number))
    await assert.rejects(run('resolve', held, '--reason', 'checked'), /--action: What is held takes one of/)
    await assert.rejects(run('resolve', held, '--reason', 'checked', '--action', 'burn'), /--action/)
    const keep = ['resolve', held, '--reason', 'checked', '--action', 'keep-ours', '--by', 'night shift']
    assert.equal(await run(...keep), 0)
    assert.match(printed(), /released/)
    assert.equal((await intents.find(id))?.hold, undefined)
    await pump()
    assert.equal((await intents.find(id))?.state, 'succeeded', 'what came meanwhile was true')
    assert.equal(await run(...keep), 0, 'the same again is the same')
  })

  it('says what is off with the words, and touches nothing under another configuration', async () => {
    const id = await opened(1_000)
    for (const args of [[], ['burn'], ['show'], ['resolve'], ['list', 'x'], ['show', 'a', 'b']])
      assert.equal(await run(...args), 2, args.join(' '))
    await assert.rejects(run('list', '--limit', 'x'), /--limit/)
    await assert.rejects(run('list', '--state', 'odd'), /--state: it must be open or resolved/)
    await assert.rejects(run('list', '--after', 'x'), /--after/)
    await assert.rejects(run('resolve', id), /--reason: It is required/)
    await assert.rejects(run('resolve', id, '--reason', 'a\nb'), /--reason: It must be one line/)
    await assert.rejects(run('show', 'case-1'), /not-found/)
    assert.equal(await run('--help'), 0)
    await redis.hset(keys.meta, 'seal:k1', 'another')
    await assert.rejects(run('list'), /k1 is not the one/)
  })
})
