import assert from 'node:assert/strict'
import { createSequenceGuard, type Last, type SequenceStore } from '../../src/client/index.ts'
import { newEvent } from '../support/client-events.ts'

describe('the guard of the order', () => {
  const outcomes = async (guard: ReturnType<typeof createSequenceGuard>, ...numbers: number[]) => {
    const said: string[] = []
    for (const number of numbers) {
      const event = newEvent('a', number)
      said.push((await guard.check(event)).outcome)
      await guard.accept(event)
    }
    return said
  }

  it('tells the next from a repeat and from a gap', async () => {
    assert.deepEqual(await outcomes(createSequenceGuard(), 1, 2, 2, 1, 3, 5, 4, 6), [
      'next',
      'next',
      'repeat',
      'repeat',
      'next',
      'gap',
      'repeat',
      'next',
    ])
  })

  it('says what is missing', async () => {
    const guard = createSequenceGuard()
    await guard.accept(newEvent('a', 1))
    const event = { id: 'ev-a-4', type: 'tallyhook.transfer.succeeded.v1', previousid: 'ev-a-3' }
    assert.deepEqual(await guard.check(newEvent('a', 4)), {
      outcome: 'gap',
      gap: { subject: 'a', expected: 2, got: 4, event },
    })
  })

  it('begins in the middle, unless it was there from the start', async () => {
    assert.deepEqual(await outcomes(createSequenceGuard(), 7, 8), ['next', 'next'])
    const lasts = new Map<string, Last>()
    const store: SequenceStore = {
      load: async (subject) => lasts.get(subject),
      save: async (subject, last) => void lasts.set(subject, last),
    }
    assert.deepEqual(await outcomes(createSequenceGuard({ store, isWhole: true }), 7, 8), ['gap', 'next'])
    assert.deepEqual(lasts.get('a'), { sequence: 8, id: 'ev-a-8' })
  })

  it('accepts nothing that was not handled: what failed comes again', async () => {
    const guard = createSequenceGuard()
    assert.equal((await guard.check(newEvent('a', 1))).outcome, 'next')
    assert.equal((await guard.check(newEvent('a', 1))).outcome, 'next')
  })
})
