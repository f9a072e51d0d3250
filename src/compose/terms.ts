/** What each configured account takes, as its provider has it. */
import type { Config } from '../config/config.ts'
import type { AccountTerms } from '../http/api/account-terms.ts'
import { genericLimits } from '../providers/generic/limits.ts'
import type { Limits } from '../providers/limits.ts'
import { type AccountProvider, beneficiaryKinds, referencesUniqueIn } from '../providers/provider.ts'
import { wechatpayLimits } from '../providers/wechatpay/limits.ts'
import { createZenospayLimits } from '../providers/zenospay/limits.ts'

type Account = Config['accounts'][number]

export function describeTerms(
  { accounts }: Pick<Config, 'accounts'>,
  providers: ReadonlyMap<string, Pick<AccountProvider, 'client'>>,
): Map<string, AccountTerms> {
  return new Map(
    accounts.map((account) => [
      account.id,
      {
        currency: account.currency,
        beneficiaries: beneficiaryKinds[account.provider],
        referencesUniqueIn: referencesUniqueIn[account.provider],
        coupons: account.provider === 'wechatpay',
        limits: limitsOf(account),
        client: providers.get(account.id)?.client,
      },
    ]),
  )
}

function limitsOf(account: Account): Limits {
  switch (account.provider) {
    case 'zenospay':
      return createZenospayLimits(account)
    case 'wechatpay':
      return wechatpayLimits
    case 'generic':
      return genericLimits
  }
}
