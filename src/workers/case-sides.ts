/** A case with both sides: what we know, and what each receipt said, opened for who has to decide. */
import type { Case } from '../domain/case.ts'
import type { IntentId, ReceiptId } from '../domain/ids.ts'
import type { Intent } from '../domain/intent.ts'
import type { Observation, Sighting } from '../domain/observation.ts'
import type { ReceiptRecord } from '../store/codec/receipt.ts'
import type { IntentStore, LoadedTotals } from '../store/intents.ts'
import type { Vault } from '../store/vault.ts'
import type { CaseReceipts } from './case-receipts.ts'

export interface CaseSides {
  ours?: {
    intent: Intent
    /** What is sealed of it; undefined where it was erased. */
    secrets: unknown
    totals?: LoadedTotals
  }
  /** What made it what it was, where a receipt did. */
  known?: CaseSide
  theirs: CaseSide[]
}

export type CaseSide =
  | { outcome: 'read'; record: ReceiptRecord; observation: Observation; seen: Sighting }
  | { outcome: 'erased'; record: ReceiptRecord }
  | { outcome: 'not-readable'; record: ReceiptRecord; because: string }
  /** It has left with age. */
  | { outcome: 'gone'; receipt: ReceiptId }

export interface CaseSidesDeps {
  intents: Pick<IntentStore, 'load'>
  vault: Pick<Vault, 'openSecrets'>
  receipts: CaseReceipts
}

/** Undefined for a case that is about no intent. */
export type ReadSides = (one: Case) => Promise<CaseSides | undefined>

export function createReadSides({ intents, vault, receipts }: CaseSidesDeps): ReadSides {
  async function readOurs(id: IntentId): Promise<Pick<CaseSides, 'ours'>> {
    const [found] = await intents.load([id])
    if (found?.outcome !== 'found') return {}
    const { intent, totals } = found
    return { ours: { intent, secrets: await vault.openSecrets(intent), ...(totals && { totals }) } }
  }

  return async (one) => {
    if (one.kind === 'callback-not-applied') return undefined
    const known = one.kind === 'held' && one.known !== undefined ? [one.known] : []
    const wanted = [...known, ...one.receipts]
    const [ours, records] = await Promise.all([readOurs(one.intent), receipts.find(one.intent, wanted)])
    const byId = new Map(records.map((record) => [record.id, record]))
    const sides = await Promise.all(wanted.map((id) => readSide(receipts, id, byId.get(id))))
    const [first] = sides
    return {
      ...ours,
      ...(known.length > 0 && first && { known: first }),
      theirs: sides.slice(known.length),
    }
  }
}

/** What one receipt said. */
export async function readSide(
  receipts: Pick<CaseReceipts, 'read'>,
  receipt: ReceiptId,
  record: ReceiptRecord | undefined,
): Promise<CaseSide> {
  if (!record) return { outcome: 'gone', receipt }
  const read = await receipts.read(record)
  if (read.outcome !== 'read') return { ...read, record }
  const { observation, seen } = read.observed
  return { outcome: 'read', record, observation, seen }
}
