import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { runArchive } from '../../src/cli/archive.ts'
import { loadConfig } from '../../src/config/config.ts'
import { AppError } from '../../src/domain/errors.ts'
import {
  filesOf,
  line,
  lines,
  newArchiveFolder,
  openWriter,
  removeArchiveFolders,
} from '../support/archive.ts'

describe('tallyhook archive', () => {
  let dir: string
  let said: string
  let complained: string

  beforeEach(async () => {
    dir = newArchiveFolder()
    const writer = openWriter(dir, { segmentLinesMax: 4 })
    for (let i = 0; i < 3; i++) await writer.append(lines(i * 4 + 1, 4))
    await writer.close()
  })
  after(removeArchiveFolders)

  const run = (args: string[], env: NodeJS.ProcessEnv = {}) => {
    said = ''
    complained = ''
    const out = (text: string) => {
      said += text
    }
    const err = (text: string) => {
      complained += text
    }
    return runArchive(args, env, { out, err })
  }
  const refusal = async (args: string[], env?: NodeJS.ProcessEnv) => {
    try {
      await run(args, env)
      return assert.fail('It was taken.')
    } catch (error) {
      assert.ok(error instanceof AppError)
      return [error.code, error.detail] as const
    }
  }

  it('verifies', async () => {
    assert.equal(await run(['verify', '--dir', dir]), 0)
    assert.equal(said, '12 lines in 3 segments of 1 chain: all as they were written.\n')
    const [, file = ''] = filesOf(dir, '.manifest.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"lines":4', '"lines":5'))
    assert.equal(await run(['verify', '--dir', dir]), 1)
    const segment = basename(file).split('.')[0]
    assert.ok(
      said.startsWith(
        `${segment}  manifest-changed: its manifest does not say what it holds (differs: lines).\n`,
      ),
      said,
    )
    assert.equal(await run(['verify', '--json', '--dir', dir]), 1)
    const { outcome, broken, faults } = JSON.parse(said)
    assert.deepEqual([outcome, broken], ['broken', 1])
    assert.deepEqual(faults, [{ outcome: 'broken', segment, fault: 'manifest-changed', fields: ['lines'] }])
  })

  it('misses what an earlier run has seen', async () => {
    await run(['verify', '--json', '--dir', dir])
    const earlier = join(dirname(dir), 'earlier.json')
    writeFileSync(earlier, said)
    assert.equal(await run(['verify', '--dir', dir, '--earlier', earlier]), 0)
    for (const file of filesOf(dir, '').filter((name) => basename(name).includes('-3.'))) rmSync(file)
    assert.equal(await run(['verify', '--dir', dir]), 0)
    assert.equal(await run(['verify', '--dir', dir, '--earlier', earlier]), 1)
    assert.match(said, /-3 {2}segment-missing: it is missing, from line 9 of the chain\.\n/)
    writeFileSync(earlier, '{}')
    assert.equal((await refusal(['verify', '--dir', dir, '--earlier', earlier]))[0], 'invalid-request')
  })

  it('finds by id, by reference and by time', async () => {
    assert.equal(await run(['find', 'tr-7', '--json', '--dir', dir]), 0)
    const { place, n, prev, ...rest } = JSON.parse(said)
    assert.deepEqual(rest, line(7))
    assert.equal(n, 7)
    assert.match(prev, /^[0-9a-f]{64}$/)
    assert.match(place, /^[0-9a-z]{16}-2:0:\d+:2$/)
    assert.equal(await run(['find', '--reference', 'ref-9', '--account', 'acme', '--dir', dir]), 0)
    assert.equal(JSON.parse(said).id, 'tr-9')
    assert.equal(
      await run(['find', '--from', new Date(line(11).at).toISOString(), '--json', '--dir', dir]),
      0,
    )
    assert.equal(said.trim().split('\n').length, 2)
    assert.equal(await run(['find', '--reference', 'ref-9', '--account', 'other', '--dir', dir]), 1)
    assert.deepEqual([said, complained], ['', 'Nothing was found.\n'])
  })

  it('exits 1 when part of it could not be searched', async () => {
    const [file = ''] = filesOf(dir, '.ndjson.gz')
    writeFileSync(file, '')
    assert.equal(await run(['find', '--kind', 'transfer', '--json', '--dir', dir]), 1)
    assert.ok(said.length > 0)
    assert.match(complained, /could not be read whole/)
  })

  it('reads the folder of the configuration', async () => {
    const home = dirname(dir)
    assert.equal(await run(['verify'], { TALLYHOOK_DATA_DIR: home }), 0)
    assert.match(said, /^12 lines/)
    const file = join(home, 'tallyhook.json')
    const secret = () => randomBytes(32).toString('base64')
    const settings = {
      accounts: [
        {
          id: 'acme',
          provider: 'generic',
          currency: 'EUR',
          verify: { scheme: 'none', iKnow: true },
          translate: { reference: '/r', amount: '/a', status: '/s', statuses: { ok: 'succeeded' } },
        },
      ],
      api: { tokens: [{ id: 'ledger', sha256: 'ab'.repeat(32), scopes: ['transfers:read'] }] },
      seal: { keys: [{ id: 'k1', key: secret() }], indexKey: secret() },
      archive: { dir: 'kept' },
    }
    writeFileSync(file, JSON.stringify(settings))
    const env = { TALLYHOOK_CONFIG: file, TALLYHOOK_DATA_DIR: home }
    assert.equal(loadConfig(env, false).archive.dir, join(home, 'kept'))
    assert.deepEqual(await refusal(['verify'], env), [
      'not-found',
      `There is no archive in ${join(home, 'kept')}.`,
    ])
  })

  it('refuses what it does not understand', async () => {
    for (const args of [[], ['burn'], ['verify', 'tr-1'], ['find', 'tr-1', 'tr-2'], ['find']])
      assert.equal(await run([...args, '--dir', dir]), 2, args.join(' '))
    assert.equal((await refusal(['find', '--from', 'yesterday', '--dir', dir]))[0], 'invalid-request')
    assert.equal((await refusal(['find', '--nothing']))[0], 'invalid-request')
    assert.equal((await refusal(['verify', '--dir', join(dir, 'nowhere')]))[0], 'not-found')
    assert.equal(await run(['--help']), 0)
    assert.match(said, /^tallyhook archive/)
  })
})
