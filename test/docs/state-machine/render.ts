/**
 * docs/state-machine.md, as the code has it: each cell is a decision that was made, not one that was written down.
 * `npm run docs` writes it, and a test compares.
 */
import { holds, repeats } from './holds.ts'
import { table } from './markdown.ts'
import { batches, rest } from './others.ts'
import { resolution } from './resolution.ts'
import { sending } from './sending.ts'
import { transfers } from './transfers.ts'

export function renderStateMachine(): string {
  return [
    ...intro(),
    ...transfers(),
    ...holds(),
    ...repeats(),
    ...resolution(),
    ...sending(),
    ...batches(),
    ...rest(),
  ]
    .join('\n\n')
    .concat('\n')
}

function intro(): string[] {
  return [
    '<!-- Written by `npm run docs` from the code; a test compares the two. Change the code, or test/docs/state-machine/. -->',
    '# State machine',
    `What is observed of an intent, be it by a callback, by the answer to a query or by a person, goes through one pure
function, \`decide()\` (src/domain). This is what it decides, in every case there is.`,
    table(
      ['decision', ''],
      [
        ['**→ state**', 'applied: the state moves, and an event says so'],
        ['**held**', 'the state stays; a case is open, and the provider is asked; a person decides'],
        ['repeat', 'known already: recorded, and nothing changes'],
        ['stale', 'true once, overtaken since: recorded, and nothing changes'],
        ['awaits-person', 'it is held: recorded, shown in the case, and decided once the person has'],
      ],
    ),
    `Each change takes the next \`sequence\` number of its intent, so that a gap would show. It is committed only on the intent
that it was decided on, or decided again.`,
  ]
}
