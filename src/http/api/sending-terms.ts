/** What may be sent for an account, and asked about, by us: said of the request, before anything is written. */
import type { FieldError } from '../../domain/errors.ts'
import type { Sendable } from '../../domain/submission.ts'
import type { Order } from '../../providers/client.ts'
import type { AccountTerms } from './account-terms.ts'

type Callable = Pick<AccountTerms, 'client'>

/** A batch goes as one where its provider knows batches, and else each of its transfers by itself. */
const ordersOf: Record<Sendable['kind'], readonly Order['call'][]> = {
  transfer: ['pay'],
  batch: ['pay-batch', 'pay'],
  coupon: ['grant'],
}

/** Why nothing of this kind can be sent, as the account is configured. */
export function findSendFault({ client }: Callable, kind: Sendable['kind']): FieldError | undefined {
  if (client && ordersOf[kind].some((order) => client.orders.has(order))) return undefined
  if (kind === 'transfer' && client?.orders.has('pay-batch'))
    return {
      path: 'submit',
      code: 'sent-with-its-batch',
      message: 'The account’s provider takes transfers in batches alone: submit the batch.',
    }
  return {
    path: 'submit',
    code: 'submission-not-configured',
    message: 'Nothing can be sent for this account: its configuration lacks what that takes.',
  }
}

/** Why nothing can be asked about it, as the account is configured. */
export function findAskFault({ client }: Callable, intent: Sendable): FieldError | undefined {
  if (client && isAnswered(client, intent)) return undefined
  return {
    path: 'account',
    code: 'query-not-configured',
    message: 'Its provider cannot be asked about this: the account’s configuration lacks what that takes.',
  }
}

/** Of a mere grouping each transfer is asked about; a coupon without a number is asked about by granting it again. */
function isAnswered({ orders, questions }: NonNullable<Callable['client']>, intent: Sendable): boolean {
  switch (intent.kind) {
    case 'transfer':
      return questions.has('transfer') && (intent.batch !== undefined || !questions.has('batch'))
    case 'batch':
      return questions.has(intent.wechatpay ? 'batch' : 'transfer')
    case 'coupon':
      return orders.has('grant')
  }
}

interface SubmitFields {
  submit?: boolean | undefined
  force?: boolean | undefined
  providerReference?: string | undefined
}

/** What does not go together, whatever the account. */
export function checkSubmitFields({ submit, force, providerReference }: SubmitFields): FieldError[] {
  if (!submit)
    return force
      ? [
          {
            path: 'force',
            code: 'force-without-submit',
            message: 'It says how to send; `submit` is not set.',
          },
        ]
      : []
  return providerReference === undefined ? [] : [startedElsewhere]
}

export const startedElsewhere: FieldError = {
  path: 'providerReference',
  code: 'started-elsewhere',
  message: 'What bears the provider’s number was started there already, and is not sent again.',
}
