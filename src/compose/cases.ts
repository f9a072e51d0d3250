/** What works on cases, for the API and for the command alike. */

import { createOpenBody } from '../store/receipts.ts'
import { createCaseReceipts } from '../workers/case-receipts.ts'
import { createReadSides } from '../workers/case-sides.ts'
import { createObserve } from '../workers/observe.ts'
import { createResolveCase, type ResolveCaseDeps } from '../workers/resolve-case.ts'
import { createReadTimeline, type TimelineDeps } from '../workers/timeline.ts'
import { type Base, clock } from './base.ts'
import type { IntentParts } from './store.ts'

export type CaseParts = ReturnType<typeof createCaseParts>

export interface CasePartsDeps
  extends Pick<ResolveCaseDeps, 'pumpReady' | 'logger'>,
    Pick<TimelineDeps, 'deliveriesOf'> {}

export function createCaseParts(
  base: Pick<Base, 'keys' | 'keyring' | 'providers' | 'digestPerson' | 'digestFact'>,
  { intents, vault, cases, readTrail }: Pick<IntentParts, 'intents' | 'vault' | 'cases' | 'readTrail'>,
  { pumpReady, deliveriesOf, logger }: CasePartsDeps,
) {
  const sealer = base.keyring
  const receipts = createCaseReceipts({
    intents,
    openBody: createOpenBody({ keys: base.keys, sealer, vault }),
    observe: createObserve({ ...base, sealer }),
    sealer,
  })
  return {
    cases,
    resolve: createResolveCase({ cases, intents, receipts, pumpReady, clock, logger }),
    readSides: createReadSides({ intents, vault, receipts }),
    readTimeline: createReadTimeline({ intents, cases, receipts, readTrail, deliveriesOf }),
  }
}
