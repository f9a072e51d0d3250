/**
 * Verifies a kept callback once more, as of the moment at which it came. One that was refused, and proves genuine now
 * that a key was mended, is accepted: it goes on the queue like any other, under the id it has, and leaves the
 * quarantine only after that is durable. A crash in between does no harm, since a receipt is applied once.
 */
import { AppError } from '../../domain/errors.ts'
import type { IdMaker } from '../../domain/ids.ts'
import type { Receipt } from '../../domain/receipt.ts'
import type { AccountProvider, RefusalReason, Verification } from '../../providers/provider.ts'
import { groupJob, type JobDraft } from '../../queue/catalogue.ts'
import type { ReceiptRecord } from '../../store/codec/receipt.ts'
import type { Quarantine, QuarantineEntry } from '../../store/quarantine.ts'
import { receiptPlace } from '../../store/vault.ts'

export type Reverification =
  | { outcome: 'authentic'; keyId: string; accepted: boolean }
  | { outcome: 'refused'; reason: RefusalReason }

export interface ReverifyDeps {
  providers: ReadonlyMap<string, AccountProvider>
  /** A callback from an address that the account does not allow stays refused, however well it is signed. */
  isSourceAllowed(account: string, source: string): boolean
  quarantine: Pick<Quarantine, 'open' | 'remove'>
  addJobs(jobs: JobDraft[]): Promise<unknown>
  seal(plain: Uint8Array, place: string): string
  /** Undefined where it was erased. */
  openBody(receipt: Receipt | ReceiptRecord): Promise<Buffer | undefined>
  ids: Pick<IdMaker, 'jobId'>
  /** Counts which key proved it. */
  noteUse(account: string, keyId: string, at: number): void
}

export interface Reverify {
  quarantined(entry: QuarantineEntry): Promise<Reverification>
  /** Checks, and changes nothing. */
  received(receipt: Receipt | ReceiptRecord): Promise<Reverification>
}

interface Kept {
  account: string
  receivedAt: number
  path: string
  headers: Record<string, string>
  body: Buffer
}

export function createReverify(deps: ReverifyDeps): Reverify {
  async function verify({ account, receivedAt, path, headers, body }: Kept): Promise<Verification> {
    const provider = deps.providers.get(account)
    if (!provider) throw cannot(`The account ${account} is not in the configuration.`)
    const header = (name: string) => (Object.hasOwn(headers, name) ? headers[name] : undefined)
    return provider.verify({ path, header, body, now: receivedAt })
  }

  return {
    async quarantined(entry) {
      const kept = deps.quarantine.open(entry)
      if (!kept) throw cannot('Its body was too large to keep; only its digest is there.')
      if (!deps.isSourceAllowed(entry.account, entry.source)) {
        return { outcome: 'refused', reason: 'source-not-allowed' }
      }
      const verification = await verify({ ...entry, ...kept })
      if (verification.outcome !== 'authentic') return describeRefusal(verification)
      const { keyId, digest, headers, unverified } = verification
      const { id, account, receivedAt } = entry
      const body = deps.seal(kept.body, receiptPlace(id))
      const receipt: Receipt = { id, account, receivedAt, keyId, digest, headers, body }
      if (unverified) receipt.unverified = true
      await deps.addJobs([groupJob(deps.ids.jobId(), [receipt])])
      await deps.quarantine.remove(entry)
      deps.noteUse(account, keyId, receivedAt)
      return { outcome: 'authentic', keyId, accepted: true }
    },

    async received(receipt) {
      const { account, receivedAt, headers } = receipt
      const path = headers.path ?? `/callbacks/${account}`
      const body = await deps.openBody(receipt)
      if (!body) throw cannot('What it said was erased.')
      const verification = await verify({ account, receivedAt, path, headers, body })
      if (verification.outcome === 'authentic') {
        return { outcome: 'authentic', keyId: verification.keyId, accepted: false }
      }
      if (verification.outcome === 'refused' && verification.reason === 'credentials-missing') {
        throw cannot('What proved it was a credential, and none is kept.')
      }
      return describeRefusal(verification)
    },
  }
}

function describeRefusal(verification: Exclude<Verification, { outcome: 'authentic' }>): Reverification {
  if (verification.outcome === 'keys-not-loaded') throw new AppError('keys-not-loaded')
  return { outcome: 'refused', reason: verification.reason }
}

function cannot(detail: string): AppError {
  return new AppError('cannot-reverify', { detail })
}
