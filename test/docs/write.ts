/** `npm run docs`: writes the documents that follow from the code. */
import { writeFileSync } from 'node:fs'
import { renderStateMachine } from './state-machine/render.ts'

writeFileSync(new URL('../../docs/state-machine.md', import.meta.url), renderStateMachine())
