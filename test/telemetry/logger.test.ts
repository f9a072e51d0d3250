import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const fixture = fileURLToPath(new URL('../fixtures/log-lines.ts', import.meta.url))

function lines(format: string): string[] {
  const output = execFileSync(process.execPath, ['--import', 'tsx', fixture, format], { encoding: 'utf8' })
  return output.trim().split('\n')
}

describe('logger', () => {
  it('writes one line of JSON an event, with the bound ids, at or above its level', () => {
    const [first, second, ...rest] = lines('json').map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.equal(first?.event, 'callback.received')
    assert.equal(first?.level, 'info')
    assert.equal(first?.account, 'zeno-main')
    assert.equal(first?.receiptId, 'rc-1')
    assert.match(String(first?.time), /^\d{4}-\d{2}-\d{2}T/)
    assert.equal(second?.error, 'outer <- inner')
    assert.deepEqual(rest, [], 'debug is below the level')
  })

  it('shows of an error what it says and nothing that hangs on it', () => {
    assert.ok(!lines('json').join().includes('planted'))
  })

  it('is readable on a terminal', () => {
    assert.match(lines('pretty')[0] ?? '', /callback\.received {2}account=zeno-main receiptId=rc-1/)
  })
})
