/**
 * Workers killed at random while 2,000 events go to five subscribers, most of which misbehave; `npm run chaos -- deliver`
 * does it with ten times as many. docs/chaos.md says what this shows and what it does not.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runDeliverCampaign } from '../../chaos/deliver.ts'
import { describeDeliverReport } from '../../chaos/deliver-report.ts'
import { hasDeliverFailed } from '../../chaos/deliver-verdict.ts'

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

describe('deliveries, killed at random', function () {
  this.timeout(150_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-chaos-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('reach five subscribers each at least once, in order per intent, over five kills of a worker', async () => {
    const said: string[] = []
    const report = await runDeliverCampaign({
      folder: join(folder, 'deliver'),
      program,
      events: 2_000,
      kills: 5,
      workers: 2,
      seed: 'a',
      stuckMs: 60_000,
      say: (line) => said.push(line),
    })
    const seen = `${said.join('\n')}\n${describeDeliverReport(report)}`
    assert.equal(hasDeliverFailed(report), false, seen)
    assert.ok(report.events >= 2_000, seen)
    assert.equal(report.subscribers.length, 5, seen)
    for (const { name, taken, refused } of report.subscribers) {
      assert.equal(taken, report.events, `${name}\n${seen}`)
      assert.ok(refused > 0 || !['failing', 'busy', 'hanging'].includes(name), seen)
    }
    process.stdout.write(
      `    repeats: ${report.subscribers.map(({ name, repeats }) => `${name} ${repeats}`).join(', ')}\n`,
    )
  })
})
