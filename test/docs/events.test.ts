import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { holdReasons } from '../../src/domain/intent.ts'
import { resolutionActions } from '../../src/domain/observation.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const rowsOf = (text: string, head: string) => {
  const [, rest = ''] = text.split(`| ${head} |`)
  const [rows = ''] = rest.split('\n\n')
  return [...rows.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
}

describe('documents of holds', () => {
  it('docs/events.md lists the reasons that there are', () => {
    assert.deepEqual(rowsOf(read('events.md'), '`hold.reason`'), [...holdReasons])
  })

  it('docs/api.md lists the actions that there are', () => {
    assert.deepEqual(rowsOf(read('api.md'), '`action`'), [...resolutionActions])
  })
})
