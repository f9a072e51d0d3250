/** What the plaintexts of WeChat Pay's callbacks have in common. */
import type { Money } from '../../domain/money.ts'
import { text } from '../fields.ts'
import type { WechatpayAccount } from './account.ts'

/** The documents write it in both ways, and some leave it out. */
export const merchantFields = { mchid: text.nullish(), mch_id: text.nullish() }

export function isOfAnother(
  { mchid }: WechatpayAccount,
  fields: { mchid?: string | null | undefined; mch_id?: string | null | undefined },
): boolean {
  return [fields.mchid, fields.mch_id].some((named) => named != null && named !== mchid)
}

/** Fen are the minor units of CNY, so nothing is multiplied; eighteen digits are more than any real amount has. */
export function readFen(fen: string, currency: string): Money | undefined {
  return /^(0|[1-9][0-9]{0,17})$/.test(fen) ? { minor: BigInt(fen), currency } : undefined
}

export function readCount(count: string): number | undefined {
  return /^(0|[1-9][0-9]{0,8})$/.test(count) ? Number(count) : undefined
}

/** WeChat Pay's reasons are words of an open list. Other text may speak of a person, and stays in the sealed receipt. */
export function readWord(reason: string | null | undefined): string | undefined {
  return reason && /^[A-Z][A-Z0-9_]{0,63}$/.test(reason) ? reason : undefined
}
