/** From what was asked for to what is registered: the batch and its transfers, digested and sealed. */
import { registerBatch } from '../../domain/decide-batch.ts'
import { registerTransfer } from '../../domain/decide-transfer.ts'
import type { BatchId } from '../../domain/ids.ts'
import type { Personal } from '../../domain/intent.ts'
import { describeBeneficiary } from '../../domain/person.ts'
import { waitingSince } from '../../domain/submission.ts'
import type { TransferSecrets } from '../../domain/transfer.ts'
import type { BatchRequest } from '../../store/batches.ts'
import type { DraftContent } from '../../store/draft.ts'
import { batchIdOf, memberIdOf } from '../../store/ids.ts'
import type { OwnedSecrets, Vault } from '../../store/vault.ts'
import { type BatchContent, canonicalBatch, canonicalMember, sumOf } from './batch-request.ts'
import { describePayee } from './transfers.ts'

export interface ContentDeps {
  vault: Pick<Vault, 'sealAllSecrets'>
  digestPerson(text: string): string
  digestContent(text: string): string
  clock: () => number
}

export function describeBatch(
  content: BatchContent,
  deps: ContentDeps,
): { request: Omit<BatchRequest, 'build'>; build: () => Promise<DraftContent> } {
  const { account, reference, transfers, terms } = content
  const id = batchIdOf(account, reference)
  const contentDigest = deps.digestContent(canonicalBatch(content))
  return {
    request: {
      id,
      account,
      contentDigest,
      references: transfers.map((one) => one.reference),
      claims: terms.referencesUniqueIn === 'account',
    },
    build: () => build(content, { id, contentDigest }, deps),
  }
}

async function build(
  { transfers, ...content }: BatchContent,
  { id, contentDigest }: { id: BatchId; contentDigest: string },
  deps: ContentDeps,
): Promise<DraftContent> {
  const { account, reference, name, remark, wechatpay, submit, terms } = content
  const now = deps.clock()
  const because = { source: 'registration' } as const
  const owned: OwnedSecrets[] = transfers.map((one) => ({
    id: memberIdOf(id, one.reference),
    person: deps.digestPerson(describeBeneficiary(one.beneficiary)),
    secrets: secretsOf(one),
  }))
  // Nothing of a batch itself is about a person; what callbacks say of it is sealed for it alone.
  owned.push({ id, person: deps.digestPerson(`batch:${id}`), secrets: {} })
  const sealed = await deps.vault.sealAllSecrets(owned)
  const batch = registerBatch(
    {
      id,
      account,
      reference,
      name,
      remark,
      count: transfers.length,
      amount: { minor: sumOf(transfers), currency: terms.currency },
      personal: sealed[transfers.length] as Personal,
      contentDigest,
      ...(wechatpay && { wechatpay }),
      // Of the batch alone: its transfers are sent with it, or each after the other once the watch has it.
      ...(submit && { submission: waitingSince(now, false) }),
    },
    now,
  )
  const members = transfers.map((one, i) => {
    const { fact, intent } = registerTransfer(
      {
        id: memberIdOf(id, one.reference),
        account,
        reference: one.reference,
        amount: one.amount,
        payee: describePayee(one.beneficiary, deps.digestPerson),
        personal: sealed[i] as Personal,
        batch: id,
        contentDigest: deps.digestContent(JSON.stringify([id, canonicalMember(one)])),
      },
      now,
    )
    return { fact, intent, because, at: now }
  })
  return { batch: { fact: batch.fact, intent: batch.intent, because, at: now }, transfers: members }
}

function secretsOf({ beneficiary, remark }: BatchContent['transfers'][number]): TransferSecrets {
  return { beneficiary, ...(remark !== undefined && { remark }) }
}
