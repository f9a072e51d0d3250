import assert from 'node:assert/strict'
import { runAudit } from '../../src/cli/audit.ts'
import { runCases } from '../../src/cli/cases.ts'
import { runRequery } from '../../src/cli/requery.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import { createCases } from '../../src/store/cases.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'
import { ids } from '../support/store.ts'
import { testAccount } from '../support/zenospay.ts'

describe('tallyhook audit', () => {
  let direct: DirectConfig
  let said: string
  beforeEach(async () => {
    direct = await openDirectConfig()
  })
  afterEach(() => direct.close())

  const write = (text: string) => {
    said += text
  }
  const output = { out: write, err: write }
  const run = (...args: string[]) => {
    said = ''
    return runAudit(args, direct.env, output)
  }

  it('lists what commands did, and sees where the record was changed', async () => {
    const { redis, keys, env } = direct
    const receipt = ids.receiptId()
    const cases = createCases({ redis, keys, clock: Date.now })
    await cases.open({ account: testAccount.id, receipt, code: 'callback-not-understood', reason: 'No key.' })
    const id = caseIdOfReceipt(receipt)
    const resolve = (reason = 'paid by hand') =>
      runCases(['resolve', id, '--reason', reason, '--by', 'night'], env, output)
    assert.equal(await resolve(), 0)
    await assert.rejects(resolve('another'), /case-resolved/)
    assert.equal(await runRequery(['--yes'], env, output), 0)
    assert.equal(await runRequery([], env, output), 0)

    assert.equal(await run('list', '--json'), 0)
    const { items } = JSON.parse(said)
    assert.deepEqual(
      items.map((one: Record<string, unknown>) => [one.who, one.via, one.action, one.outcome, one.code]),
      [
        ['cli', 'cli', 'requery.ask', 'done', undefined],
        ['night', 'cli', 'case.resolve', 'refused', 'case-resolved'],
        ['night', 'cli', 'case.resolve', 'done', undefined],
      ],
    )
    assert.deepEqual(items[2].after, { kind: 'callback-not-applied', state: 'resolved' })
    assert.equal(await run('list', '--target', id, '--limit', '1'), 0)
    assert.match(said, /night \(cli\) {2}case\.resolve .*because: another\nThere are more: --after au-4/)

    assert.equal(await run('verify'), 0)
    const head = /head: (.*)\n/.exec(said)?.[1] ?? ''
    assert.match(said, /^6 entries from au-1, all as they were written\./)
    assert.equal(await run('verify', '--head', head, '--json'), 0)
    await redis.xdel(keys.audit, '3-0')
    assert.equal(await run('verify'), 1)
    assert.match(said, /au-3: The entry is missing\./)
    await assert.rejects(run('verify', '--head', 'x'), /--head/)
    assert.equal(await run('what'), 2)
  })
})
