import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runDoctor } from '../../src/cli/doctor/doctor.ts'
import { type DirectConfig, openDirectConfig } from '../support/direct-config.ts'
import { newReference, strangerKey, testAccount } from '../support/zenospay.ts'

interface Finding {
  about: string
  outcome: string
  says: string
  mend?: string
}

describe('tallyhook doctor', () => {
  let direct: DirectConfig
  let said: string

  beforeEach(async () => {
    direct = await openDirectConfig()
  })
  afterEach(() => direct.close())

  const run = (args: string[] = [], env: NodeJS.ProcessEnv = direct.env) => {
    said = ''
    const write = (text: string) => {
      said += text
    }
    return runDoctor(args, env, { out: write, err: write })
  }
  const find = async (about: string, expected: number, env?: NodeJS.ProcessEnv): Promise<Finding[]> => {
    assert.equal(await run(['--json'], env), expected, said)
    const { findings } = JSON.parse(said) as { findings: Finding[] }
    return findings.filter((one) => one.about === about)
  }

  /** Changes the configuration file. */
  function configure(change: (file: { accounts: Record<string, unknown>[] }) => void): void {
    const path = String(direct.env.TALLYHOOK_CONFIG)
    const file = JSON.parse(readFileSync(path, 'utf8'))
    change(file)
    writeFileSync(path, JSON.stringify(file))
  }

  it('says what is well, line by line', async () => {
    await direct.redis.config('SET', 'maxmemory', '100mb')
    assert.equal(await run(['--offline']), 0, said)
    const abouts = said.split('\n').flatMap((line) => /^ok {7}(\w+):/.exec(line)?.[1] ?? [])
    assert.deepEqual(abouts, ['configuration', 'redis', 'redis', 'redis', 'queue', 'cases', 'archive'])
  })

  it('names what is wrong with the configuration, and looks no further', async () => {
    configure(({ accounts }) => {
      accounts[0] = { ...accounts[0], currency: 'dollars' }
    })
    const [finding, ...more] = await find('configuration', 1)
    assert.match(finding?.says ?? '', /accounts\[0\]\.currency/)
    assert.equal(more.length, 0)
  })

  it('finds a Redis that loses data, is another’s, or is not there', async () => {
    await direct.redis.config('SET', 'appendfsync', 'no')
    const weak = (await find('redis', 1)).find(({ outcome }) => outcome === 'fault')
    assert.match(weak?.says ?? '', /appendfsync must be always/)
    assert.ok(weak?.mend)
    await direct.redis.config('SET', 'appendfsync', 'always')
    configure((file) => Object.assign(file, { partitions: 4 }))
    const others = (await find('redis', 1)).find(({ outcome }) => outcome === 'fault')
    assert.match(others?.says ?? '', /partitions: this Redis was first used with 8/)
    const [away] = await find('redis', 1, { ...direct.env, REDIS_URL: 'redis://127.0.0.1:1' })
    assert.equal(away?.outcome, 'fault')
  })

  it('counts what waits for a person', async () => {
    const { say } = await direct.register(newReference(), '5550001234')
    await say({ status: 'success' })
    await say({ status: 'fail' })
    const [cases] = await find('cases', 0)
    assert.deepEqual([cases?.outcome, cases?.says], ['warning', '1 are open.'])
  })

  it('says whether a provider is reached, and how far its clock is from ours', async () => {
    let date = new Date()
    const provider = createServer((_req, res) => {
      res.sendDate = false
      res.setHeader('date', date.toUTCString())
      res.end()
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
    const about = `account ${testAccount.id}`
    try {
      const [none] = await find(about, 0)
      assert.match(none?.says ?? '', /nothing can be sent/)
      configure(({ accounts }) => {
        Object.assign(accounts[0] ?? {}, {
          baseUrl,
          merchantPrivateKey: strangerKey.export({ type: 'pkcs8', format: 'pem' }),
        })
      })
      const [reached] = await find(about, 0)
      assert.deepEqual(
        [reached?.outcome, reached?.says],
        ['ok', `${baseUrl} answers, and its clock is ours.`],
      )
      date = new Date(Date.now() - 60_000)
      assert.equal((await find(about, 0))[0]?.outcome, 'warning')
      date = new Date(Date.now() + 600_000)
      assert.match((await find(about, 1))[0]?.says ?? '', /ahead of ours/)
    } finally {
      await new Promise((resolve) => provider.close(resolve))
    }
    assert.equal((await find(about, 1))[0]?.outcome, 'fault')
  })

  it('says what is off with its words', async () => {
    await assert.rejects(run(['redis']), /invalid-request/)
    assert.equal(await run(['--help']), 0)
    assert.match(said, /changes nothing/)
  })
})
