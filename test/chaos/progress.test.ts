import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runIntakeCampaign } from '../../chaos/intake.ts'
import { readProgress, writeProgress } from '../../chaos/progress.ts'
import { noTotals } from '../../chaos/totals.ts'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

describe('chaos: a campaign that goes on', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-chaos-'))
    file = join(folder, 'intake.json')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const done = {
    v: 1 as const,
    seed: 'first',
    totals: { ...noTotals, rounds: 3, acknowledged: 7, lost: 1, strikes: { both: 3 } },
    failures: ['FAILED seed first/2'],
  }
  const campaign = (fields: { seed?: string; fresh?: boolean }) =>
    runIntakeCampaign({ folder, program, rounds: 0, strikes: 1, fresh: false, say: () => {}, ...fields })

  it('reads what it wrote, and keeps a loss that was found before', async () => {
    assert.equal(readProgress(file), undefined)
    writeProgress(file, done)
    assert.deepEqual(await campaign({}), done)
    assert.deepEqual(await campaign({ seed: 'first' }), done)
  })

  it('is not mixed with a campaign of another seed', async () => {
    writeProgress(file, done)
    await assert.rejects(campaign({ seed: 'second' }), /has seed first; begin another with --fresh/)
  })

  it('begins anew when it is told to, and clears away what failed rounds have left', async () => {
    writeProgress(file, done)
    const left = join(folder, 'round-2')
    mkdirSync(left)
    const { seed, totals, failures } = await campaign({ seed: 'second', fresh: true })
    assert.deepEqual({ seed, totals, failures }, { seed: 'second', totals: noTotals, failures: [] })
    assert.equal(existsSync(left), false)
  })

  it('refuses a file that is not its own, by name', () => {
    writeFileSync(file, '{"v":0}')
    assert.throws(() => readProgress(file), /intake\.json is not of this version/)
  })
})
