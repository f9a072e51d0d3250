/**
 * WeChat Pay's words for why a transfer failed, as our codes. The list is open and its products spell it differently, so
 * a word that is not here is no fault: it is `unknown`, and stands beside the code as it came. It is not taken for
 * `declined-by-provider`, which says that the provider gave no reason; here there is one, which we cannot read.
 */
import type { Failure, FailureCode } from '../../domain/failure.ts'
import { readWord } from './fields.ts'

/** Of the payroll card the older spelling has one more underscore, and is read as the newer. */
const wordsByCode: Record<Exclude<FailureCode, 'unknown'>, string> = {
  'declined-by-provider': 'OTHER_FAIL_REASON_TYPE TRANSFER_REMARK_SET_FAIL PARAM_ERROR INVALID_REQUEST',
  'beneficiary-not-found': `ACCOUNT_NOT_EXIST OPENID_INVALID BANK_CARD_BANK_INFO_WRONG BANK_CARD_PARAM_ERROR
    270079501`,
  'beneficiary-blocked': `ACCOUNT_FROZEN PAYEE_ACCOUNT_ABNORMAL BANK_CARD_ACCOUNT_ABNORMAL BANK_CARD_STATUS_ABNORMAL
    PAYROLL_CARD_ALREADY_LOGOUT PAYROLL_CARD_ALREADY_FROZEN 270079532`,
  'beneficiary-mismatch': `NAME_NOT_CORRECT ID_CARD_NOT_CORRECT BANK_CARD_CARD_INFO_WRONG
    PAYROLL_CARD_NAME_CARD_NOT_MATCH PAYROLL_CARD_ID_CARD_NOT_MATCH`,
  'beneficiary-not-eligible': `REAL_NAME_CHECK_FAIL BANK_CARD_TYPE_NOT_SUPPORTED PAYROLL_CARD_UNAUTHORIZED
    PAYROLL_CARD_USER_NOT_OPEN PAYROLL_CARD_BANKCARD_UNBUNDLING`,
  'limit-exceeded': `TRANSFER_QUOTA_EXCEED DAY_RECEIVED_QUOTA_EXCEED MONTH_RECEIVED_QUOTA_EXCEED
    DAY_RECEIVED_COUNT_EXCEED REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED BANK_CARD_COLLECTIONS_ABOVE_QUOTA
    BLOCK_B2C_USERLIMITAMOUNT_BSRULE_MONTH BLOCK_B2C_USERLIMITAMOUNT_MONTH EXCEEDED_ESTIMATED_AMOUNT QUOTA_EXCEED RULE_LIMIT`,
  'insufficient-funds': 'NOT_ENOUGH 270079534',
  'payer-not-allowed': `PRODUCT_AUTH_CHECK_FAIL PAYER_ACCOUNT_ABNORMAL RECEIVE_ACCOUNT_NOT_PERMMIT
    RECEIVE_ACCOUNT_NOT_CONFIGURE TRANSFER_SCENE_UNAVAILABLE TRANSFER_SCENE_INVALID NO_AUTH ACCOUNTERROR
    SIGN_ERROR APPID_MCHID_NOT_MATCH 270079508 270079533`,
  'risk-refused': 'TRANSFER_RISK',
  expired: 'OVERDUE_CLOSE MERCHANT_NOT_CONFIRM',
  cancelled: 'MERCHANT_REJECT MERCHANT_REVOCATION MCH_CANCEL',
}

const codes: ReadonlyMap<string, FailureCode> = new Map(
  Object.entries(wordsByCode).flatMap(([code, words]) =>
    words.split(/\s+/).map((word): [string, FailureCode] => [word, code as FailureCode]),
  ),
)

/** Of the code of a refused order, which is a word or, of coupons, a number. */
export function describeRefusal(code: string): Failure {
  return { code: codes.get(code) ?? 'unknown', reason: code }
}

/** Of a bill's or detail's `fail_reason`, or a batch's `close_reason`. */
export function describeFailure(reason: string | null | undefined): Failure {
  if (!reason) return { code: 'declined-by-provider' }
  const word = readWord(reason)
  if (word === undefined) return { code: 'unknown' }
  return { code: codes.get(word.replace(/^PAY_ROLL_/, 'PAYROLL_')) ?? 'unknown', reason: word }
}
