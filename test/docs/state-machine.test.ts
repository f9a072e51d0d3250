import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { renderStateMachine } from './state-machine/render.ts'

describe('docs/state-machine.md', () => {
  it('says what the code decides; `npm run docs` writes it', () => {
    const path = new URL('../../docs/state-machine.md', import.meta.url)
    assert.equal(readFileSync(path, 'utf8'), renderStateMachine())
  })
})
