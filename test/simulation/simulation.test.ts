/** Two histories of each of 1,000 seeds, half of them in each of two processes. `npm run simulate` plays more of them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const runner = fileURLToPath(new URL('./run.ts', import.meta.url))
const perProcess = 500
const ends = [
  ...['succeeded', 'failed', 'returned', 'cancelled', 'expired'].map((state) => `transfer ${state}`),
  ...['batch finished', 'batch closed', 'coupon granted', 'coupon failed'],
]

describe('simulated histories', function () {
  this.timeout(400_000)

  async function simulate(...args: string[]): Promise<{ code: number; printed: string }> {
    const flags = ['--max-semi-space-size=64', '--import', 'tsx', runner, ...args]
    try {
      const { stdout } = await promisify(execFile)(process.execPath, flags, { maxBuffer: 1 << 24 })
      return { code: 0, printed: stdout }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, printed: stdout + stderr }
    }
  }

  it('settle every callback once, and the books agree', async () => {
    const runs = await Promise.all(
      [0, 1].map((i) => simulate('--seeds', String(perProcess), '--seed', String(1 + i * perProcess))),
    )
    for (const { code, printed } of runs) {
      assert.equal(code, 0, printed)
      assert.match(printed, new RegExp(`^seeds +${perProcess} `))
      for (const end of ['applied', 'awaits-person', 'case', 'held', 'parked', 'repeat', 'stale'])
        assert.match(printed, new RegExp(`\\b${end} [1-9]`), `No callback ended in ${end}.`)
      for (const end of ends)
        assert.match(printed, new RegExp(`^sent .*\\b${end} [1-9]`, 'm'), `Nothing ended as ${end}.`)
    }
  })

  it('are not played of a world that there is not', async () => {
    const { code, printed } = await simulate('--only=nothing')
    assert.deepEqual([code, printed.includes('callbacks or sending')], [2, true])
  })

  it('are not played by a number that is none', async () => {
    for (const seeds of ['0', '-1', '1.5', 'many']) {
      const { code, printed } = await simulate(`--seeds=${seeds}`)
      assert.deepEqual([code, printed.includes('take a whole number')], [2, true], seeds)
    }
  })
})
