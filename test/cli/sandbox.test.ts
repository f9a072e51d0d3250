import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFlags } from '../../src/cli/sandbox/flags.ts'
import { startSandbox } from '../../src/cli/sandbox.ts'
import { loadConfig } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'

describe('tallyhook sandbox', () => {
  let folder: string
  let running: { stop(): Promise<void> } | undefined
  let [out, err] = ['', '']
  const output = {
    out(text: string) {
      out += text
    },
    err(text: string) {
      err += text
    },
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-sandbox-'))
    out = ''
    err = ''
  })
  afterEach(async () => {
    await running?.stop()
    running = undefined
    rmSync(folder, { recursive: true, force: true })
  })

  const dir = () => join(folder, 'sandbox')
  async function start(...args: string[]) {
    running = await startSandbox(parseFlags(['--port', '0', '--dir', dir(), ...args]), output)
    return out
  }

  it('writes a configuration that loads, with both accounts pointing at it', async () => {
    await start('--json')
    const line = JSON.parse(out) as { event: string; url: string; configuration: string; apiToken: string }
    assert.equal(line.event, 'ready')
    const env = { TALLYHOOK_CONFIG: line.configuration, TALLYHOOK_DATA_DIR: folder }
    const { accounts, tokens } = loadConfig(env, false)
    assert.deepEqual(
      accounts.map((account) => account.id),
      ['zeno-sandbox', 'wechat-sandbox'],
    )
    for (const account of accounts) {
      assert.ok(account.provider !== 'generic')
      assert.equal(account.credentials?.baseUrl, line.url)
    }
    assert.equal(tokens.length, 1)
    assert.equal((await fetch(`${line.url}/sandbox/state`)).status, 200)
  })

  it('keeps its secrets for the owner, and uses them again', async () => {
    await start('--json')
    const read = () =>
      Object.fromEntries(readdirSync(dir()).map((name) => [name, readFileSync(join(dir(), name), 'utf8')]))
    const first = read()
    for (const name of Object.keys(first)) assert.equal(statSync(join(dir(), name)).mode & 0o077, 0, name)
    await running?.stop()
    await start('--json')
    assert.deepEqual(read(), first)
    assert.match(err, /names another address/, 'the port is another one')
  })

  it('leaves a configuration alone that somebody has changed', async () => {
    await start()
    await running?.stop()
    writeFileSync(join(dir(), 'tallyhook.yaml'), '# mine\n')
    await start()
    assert.equal(readFileSync(join(dir(), 'tallyhook.yaml'), 'utf8'), '# mine\n')
  })

  it('says how Tallyhook is started against it', async () => {
    await start('--callback-url', 'http://127.0.0.1:9090')
    const file = join(dir(), 'tallyhook.yaml')
    const data = join(dir(), 'data')
    const variables = `TALLYHOOK_CONFIG=${file} TALLYHOOK_DATA_DIR=${data} CALLBACK_PORT=9090`
    assert.ok(out.includes(`export ${variables}\nnpx tallyhook\n`))
    assert.match(out, /http:\/\/127\.0\.0\.1:9090\/callbacks\/zeno-sandbox/)
  })

  it('is told what it does with words that are checked', () => {
    const rules = join(folder, 'rules.json')
    writeFileSync(rules, '[{"match": {"amount": "25000.00"}, "do": ["fail"], "reason": "Account closed"}]')
    const flags = parseFlags([
      '--rate',
      'fail=0.25',
      '--rate',
      'slow=1',
      '--delay-ms',
      '5-9',
      '--rules',
      rules,
    ])
    assert.deepEqual(flags.fates.rates, { fail: 0.25, slow: 1 })
    assert.deepEqual(flags.fates.delayMs, { from: 5, to: 9 })
    assert.equal(flags.fates.rules?.[0]?.reason, 'Account closed')
    const bad: [string[], RegExp][] = [
      [['--rate', 'explode=0.1'], /--rate: explode=0\.1/],
      [['--rate', 'fail=1.5'], /--rate: fail=1\.5/],
      [['--delay-ms', '9-5'], /--delay-ms/],
      [['--port', '70000'], /--port/],
      [['--callback-url', 'http://127.0.0.1:8080/callbacks'], /--callback-url/],
      [['--rules', join(folder, 'none.json')], /--rules: .* cannot be read/],
      [['--log-level', 'loud'], /--log-level/],
      [['--sed', '1'], /--sed/],
      [['now'], /nothing to do with now/],
    ]
    for (const [args, said] of bad)
      assert.throws(
        () => parseFlags(args),
        (error) => error instanceof AppError && said.test(error.detail ?? ''),
        args.join(' '),
      )
  })

  it('says so when its port is taken', async () => {
    await start('--json')
    const { port } = new URL((JSON.parse(out) as { url: string }).url)
    await assert.rejects(
      startSandbox(parseFlags(['--port', port, '--dir', dir()]), output),
      (error) => error instanceof AppError && /in use/.test(error.detail ?? ''),
    )
  })
})
