import type { FieldError } from '../../domain/errors.ts'
import { type Limits, type ProposedTransfer, refuseWechatpay } from '../limits.ts'

export interface ZenospayLimits {
  /** The documents say 12, and many real accounts have more. */
  accountNumberDigitsMax: number
}

const namePattern = /^[a-zA-Z0-9 -]{5,25}$/
const rupiah = 100n
const amountMax = 10n ** 12n

export function createZenospayLimits({ accountNumberDigitsMax: digitsMax }: ZenospayLimits): Limits {
  const isNumber = (text: string) => /^[0-9]+$/.test(text) && text.length <= digitsMax

  function* checkBank({ beneficiary }: ProposedTransfer): Generator<FieldError> {
    if (beneficiary.kind !== 'bank') return
    if (!namePattern.test(beneficiary.name))
      yield {
        path: 'beneficiary.name',
        code: 'name-refused',
        message: 'Zenospay takes 5 to 25 letters, digits, spaces and hyphens.',
      }
    if (!isNumber(beneficiary.accountNumber))
      yield {
        path: 'beneficiary.accountNumber',
        code: 'account-number-refused',
        message: `Zenospay takes digits alone, at most ${digitsMax} of them.`,
      }
  }

  function* checkAmount({ amount: { minor } }: ProposedTransfer): Generator<FieldError> {
    if (minor % rupiah !== 0n)
      yield { path: 'amount.value', code: 'amount-refused', message: 'Zenospay takes whole rupiah.' }
    else if (minor / rupiah >= amountMax)
      yield {
        path: 'amount.value',
        code: 'amount-refused',
        message: 'Zenospay takes at most 12 digits of rupiah.',
      }
  }

  return {
    checkTransfer: (transfer) => [...checkBank(transfer), ...checkAmount(transfer)],
    checkBatch: refuseWechatpay,
  }
}
