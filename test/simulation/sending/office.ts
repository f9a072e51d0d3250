/** What somebody does through the API: has it sent, calls it off, wants it asked about. As the routes do, step by step. */
import { cancelTransfer } from '../../../src/domain/decide-transfer.ts'
import type { IntentId } from '../../../src/domain/ids.ts'
import { requestSubmission, type Sendable } from '../../../src/domain/submission.ts'
import type { Parts } from '../stage.ts'

export function createOffice({ clock, by }: { clock: () => number; by: string }) {
  const because = { source: 'operator' as const, by }

  return {
    async submit({ intents }: Parts, id: IntentId): Promise<void> {
      const [found] = await intents.load([id])
      if (found?.outcome !== 'found') return
      const { intent, totals } = found
      const step = requestSubmission(intent as Sendable, {}, clock())
      const version = totals && { totals: { before: totals.totals, version: totals.version } }
      if (step) await intents.commit({ before: intent, steps: [step], because, at: clock(), ...version })
    },
    async cancel({ intents }: Parts, id: IntentId): Promise<void> {
      const before = await intents.find(id)
      const step = before?.kind === 'transfer' ? cancelTransfer(before, clock()) : undefined
      if (before && step) await intents.commit({ before, steps: [step], because, at: clock() })
    },
    async ask({ intents }: Parts, id: IntentId): Promise<void> {
      const intent = await intents.find(id)
      if (intent) await intents.ask(intent, clock())
    },
  }
}
