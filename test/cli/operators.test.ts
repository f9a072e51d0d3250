import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runAudit } from '../../src/cli/audit.ts'
import { runOperators } from '../../src/cli/operators.ts'
import { findPasswordFault } from '../../src/domain/password-rules.ts'
import { createPasswords } from '../../src/seal/passwords.ts'
import { createOperators } from '../../src/store/operators.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'

describe('tallyhook operators', () => {
  let direct: DirectConfig
  let said: string
  beforeEach(async () => {
    direct = await openDirectConfig()
  })
  afterEach(() => direct.close())

  const write = (text: string) => {
    said += text
  }
  const run = (...args: string[]) => {
    said = ''
    return runOperators(args, direct.env, { out: write, err: write })
  }
  const fileOf = (password: string) => {
    const file = join(direct.env.TALLYHOOK_DATA_DIR, 'password')
    writeFileSync(file, `${password}\n`)
    return ['--password-file', file]
  }

  it('adds, changes and removes them, on record and without a word of their passwords', async () => {
    const file = fileOf('planted secret one')
    assert.equal(await run('add', 'omar', '--role', 'operator', ...file, '--by', 'root'), 0)
    await assert.rejects(run('add', 'omar', '--role', 'viewer', ...file), /There is a omar/)
    assert.equal(await run('list', '--json'), 0)
    assert.ok(!said.includes('scrypt'))
    assert.deepEqual(
      JSON.parse(said).items.map(({ name, role, disabled }: Record<string, unknown>) => [
        name,
        role,
        disabled,
      ]),
      [['omar', 'operator', false]],
    )
    const { redis, keys } = direct
    const operators = createOperators({ redis, keys, clock: Date.now })
    const before = await operators.find('omar')
    assert.match(before?.password ?? '', /^\$scrypt\$ln=17,r=8,p=1\$/)
    assert.equal(await createPasswords().matches('planted secret one', before?.password), true)
    assert.equal(await run('role', 'omar', '--role', 'admin'), 0)
    assert.equal(await run('disable', 'omar'), 0)
    assert.equal((await operators.find('omar'))?.disabled, true)
    assert.notEqual((await operators.find('omar'))?.stamp, before?.stamp)
    assert.equal(await run('enable', 'omar'), 0)
    assert.equal(await run('passwd', 'omar', ...fileOf('planted secret two')), 0)
    assert.equal(await run('unlock', 'omar'), 0)
    assert.equal(await run('remove', 'omar'), 0)
    assert.equal(await operators.find('omar'), undefined)

    said = ''
    await runAudit(['list', '--json'], direct.env, { out: write, err: write })
    assert.ok(!said.includes('planted'))
    const { items } = JSON.parse(said)
    assert.deepEqual(
      items.map(({ action, outcome }: Record<string, unknown>) => [action, outcome]).reverse(),
      [
        ['operator.add', 'done'],
        ['operator.add', 'refused'],
        ['operator.role', 'done'],
        ['operator.disable', 'done'],
        ['operator.enable', 'done'],
        ['operator.passwd', 'done'],
        ['operator.unlock', 'done'],
        ['operator.remove', 'done'],
      ],
    )
    assert.deepEqual(
      [items[5].before, items[5].after],
      [
        { role: 'operator', enabled: true },
        { role: 'admin', enabled: true },
      ],
    )
    assert.equal(items.at(-1).who, 'root')
  })

  it('takes no name, role or password that will not do', async () => {
    const good = fileOf('planted secret one')
    await assert.rejects(run('add', 'Jane Roe', '--role', 'viewer', ...good), /The name must be/)
    await assert.rejects(run('add', 'ledger', '--role', 'viewer', ...good), /a token of the name/)
    await assert.rejects(run('add', 'omar', '--role', 'king', ...good), /--role/)
    await assert.rejects(run('passwd', 'nobody', ...good), /no operator nobody/)
    await assert.rejects(run('add', 'omar', '--role', 'viewer', ...fileOf('short')), /at least 12/)
    assert.equal(await run('add'), 2)
  })

  it('a password is long, not common, and not the name', () => {
    for (const bad of [
      'short',
      'password1234!',
      'P@sswordpassword',
      '123456789012',
      'aaaaaaaaaaaaaaa',
      'abcdefghijklmn',
      'letmeinletmein1',
      'my name is omar!',
    ])
      assert.ok(findPasswordFault(bad, 'omar'), bad)
    for (const good of ['a long enough secret', 'correct staple battery', 'Tr0ub4dor&3-xyz'])
      assert.equal(findPasswordFault(good, 'omar'), undefined, good)
  })
})
