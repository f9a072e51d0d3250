/** What the documents call by a name. What has none stands where it is used. */
import { z } from 'zod'
import { type ErrorCode, errorCodes } from '../../domain/errors.ts'
import { batchSchema, figuresSchema } from '../../events/batch-resource.ts'
import { caseSchema } from '../../events/case-resource.ts'
import { becauseSchema, cloudEventSchema } from '../../events/catalogue.ts'
import { collectionSchema } from '../../events/collection-resource.ts'
import { couponSchema } from '../../events/coupon-resource.ts'
import { feedHeadSchema } from '../../events/head.ts'
import { erasedSchema, failureSchema, moneySchema } from '../../events/shared-resource.ts'
import { missedSchema, subscriptionSchema } from '../../events/subscription-resource.ts'
import { testEventSchema } from '../../events/test-event.ts'
import { beneficiarySchema, transferSchema } from '../../events/transfer-resource.ts'
import { accountHealthSchema, accountSchema } from '../api/account-schemas.ts'
import { batchRequestSchema, memberSchema } from '../api/batch-request.ts'
import { deliverySchema, eventDeliverySchema } from '../api/delivery-present.ts'
import { whatIsTaken } from '../api/operation.ts'
import { quarantineEntrySchema, receiptSchema } from '../api/receipt-schemas.ts'
import { replaySchema } from '../api/replay-present.ts'
import { healthSchema, shownSubscriptionSchema } from '../api/subscription-present.ts'
import {
  bankSchema,
  beneficiarySchema as beneficiaryRequestSchema,
  moneySchema as moneyRequestSchema,
  transferRequestSchema,
  wechatpaySchema,
} from '../api/transfer-request.ts'

/** Problem details, RFC 9457. */
export const problemSchema = z.object({
  type: z.string().meta({ description: '`urn:tallyhook:problem:` and the code.' }),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]).meta({
    description: 'Stable; the rest is for whoever reads it.',
  }),
  detail: z.string(),
  errors: z
    .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
    .optional()
    .meta({ description: 'Each fault of the input with its place, as `transfers[2].amount.value`.' }),
})

/** Of a cursor that cannot be followed. */
const cursorProblemSchema = problemSchema.extend({
  begin: z.string().optional().meta({
    description:
      'The cursor to go on from, so that nothing is passed over in silence; missing where one event was asked for.',
  }),
})

/** What we say. */
export const saidSchemas: Readonly<Record<string, z.ZodType>> = {
  Transfer: transferSchema,
  Batch: batchSchema,
  Coupon: couponSchema,
  Collection: collectionSchema,
  Case: caseSchema,
  Subscription: subscriptionSchema,
  ShownSubscription: shownSubscriptionSchema,
  SubscriptionHealth: healthSchema,
  Missed: missedSchema,
  Delivery: deliverySchema,
  EventDelivery: eventDeliverySchema,
  Replay: replaySchema,
  Event: cloudEventSchema,
  TestEvent: testEventSchema,
  FeedHead: feedHeadSchema,
  Because: becauseSchema,
  Money: moneySchema,
  Failure: failureSchema,
  Beneficiary: beneficiarySchema,
  Erased: erasedSchema,
  Figures: figuresSchema,
  Account: accountSchema,
  AccountHealth: accountHealthSchema,
  Receipt: receiptSchema,
  QuarantineEntry: quarantineEntrySchema,
  Problem: problemSchema,
  CursorProblem: cursorProblemSchema,
}

/** What we are told. */
export const toldSchemas: Readonly<Record<string, z.ZodType>> = {
  TransferRequest: transferRequestSchema,
  BatchRequest: batchRequestSchema,
  BatchTransferRequest: memberSchema,
  MoneyRequest: moneyRequestSchema,
  BeneficiaryRequest: whatIsTaken(beneficiaryRequestSchema) ?? beneficiaryRequestSchema,
  BankBeneficiary: bankSchema,
  WechatpayBeneficiary: wechatpaySchema,
}
