import assert from 'node:assert/strict'
import { runInspect } from '../../src/cli/inspect.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'
import { newReference, testAccount } from '../support/zenospay.ts'

describe('tallyhook inspect', () => {
  let direct: DirectConfig
  let said: string

  beforeEach(async () => {
    direct = await openDirectConfig()
  })
  afterEach(() => direct.close())

  const run = (...args: string[]) => {
    said = ''
    const write = (text: string) => {
      said += text
    }
    return runInspect(args, direct.env, { out: write, err: write })
  }

  it('tells by its reference, its id or the provider’s number why a transfer is where it is', async () => {
    const reference = newReference()
    const { id, say } = await direct.register(reference, '5550001234')
    await say({ inquiryId: 'inq-1', status: 'success' })
    await say({ inquiryId: 'inq-1', status: 'fail' })
    for (const name of [reference, id]) {
      assert.equal(await run(name), 0)
      const lines = said.trimEnd().split('\n')
      assert.match(lines[0] ?? '', /^transfer .*succeeded, held: final-state-contradicted$/)
      assert.deepEqual(
        lines.slice(1).map((line) => /Z {2}(\w+) +\S+ *(\w+)/.exec(line)?.[1]),
        ['event', 'callback', 'event', 'callback', 'event', 'case'],
      )
      assert.match(said, /said succeeded 25000\.00 IDR: applied/)
      assert.match(said, /2 succeeded \(registered → succeeded\), because of callback rc-/)
      assert.match(said, /said failed .*: held/)
      assert.match(said, /final-state-contradicted: .*\(open\)/)
    }
    assert.ok(!said.includes('5550001234'))
  })

  it('prints JSON, and says what is not there or was asked wrongly', async () => {
    const reference = newReference()
    const { id } = await direct.register(reference, '5550001234')
    assert.equal(await run(reference, '--json', '--account', testAccount.id), 0)
    const shown = JSON.parse(said)
    assert.deepEqual([shown.id, shown.reference, shown.state], [id, reference, 'registered'])
    await assert.rejects(run('nobody-knows-it'), /not-found: Nothing is known under nobody-knows-it/)
    await assert.rejects(run(), /invalid-request/)
    await assert.rejects(
      run(reference, '--account', 'other'),
      /there is no account other; there are zeno-test/,
    )
    assert.equal(await run('--help'), 0)
    assert.match(said, /Usage/)
  })
})
