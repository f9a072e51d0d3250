/**
 * The receiver and Redis killed under load, a few times with a fixed seed; `npm run chaos -- intake` does it for hours.
 * docs/chaos.md says what this shows and what it does not.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runIntakeCampaign } from '../../chaos/intake.ts'
import { strikeKinds } from '../../chaos/plan.ts'
import { describeTotals, killsOf } from '../../chaos/totals.ts'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

describe('the intake, killed under load', function () {
  this.timeout(120_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-chaos-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  // Its pauses are one until refusals and one for a time, which is what finds a late answer.
  const seed = 'b'

  it('has everything that it acknowledged in the queue, over ten kills of receiver and Redis', async () => {
    const said: string[] = []
    const campaign = (rounds: number) =>
      runIntakeCampaign({
        folder,
        program,
        rounds,
        strikes: 6,
        seed,
        fresh: false,
        say: (line) => said.push(line),
      })
    await campaign(1)
    // Goes on from what the first has written down.
    const { totals, failures } = await campaign(2)

    const seen = `${said.join('\n')}\n${describeTotals(totals)}`
    assert.deepEqual(failures, [], seen)
    assert.equal(totals.lost, 0, seen)
    assert.equal(totals.rounds, 2, seen)
    assert.ok(killsOf(totals) >= 10, seen)
    for (const kind of strikeKinds) assert.ok(totals.strikes[kind], `${kind} is not among them\n${seen}`)
    assert.ok(totals.queued >= totals.acknowledged && totals.acknowledged > 100, seen)
    assert.ok(totals.forged > 0 && totals.answers['401'], seen)
    assert.ok(totals.answers['503'] && totals.answers.closed, seen)
  })
})
