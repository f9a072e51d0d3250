/** What a reader of events may ask for. */
import { z } from 'zod'
import { matchTypes } from '../../events/catalogue.ts'
import { wholeNumber } from './validate.ts'

const limitMax = 1000
const waitSecondsMax = 60

const typesSchema = z.string().transform((text, context) => {
  return text.split(',').flatMap((pattern, i) => {
    const matched = matchTypes(pattern)
    if (matched.length === 0) {
      context.addIssue({
        code: 'custom',
        path: [i],
        params: { code: 'unknown-type' },
        message: 'No type of event is named so.',
      })
    }
    return matched
  })
})

const filterShape = {
  after: z.string().max(16_384).optional().describe('A cursor; missing: from the oldest event on.'),
  types: typesSchema
    .optional()
    .describe('Comma-separated; `tallyhook.transfer.*` for a group. Missing: every type.'),
  account: z.string().min(1).max(256).optional(),
  subject: z.string().min(1).max(256).optional().describe('The id of a transfer, batch, coupon, pay-in, …'),
}

export const pageQuerySchema = z.strictObject({
  ...filterShape,
  limit: wholeNumber(1, limitMax).optional(),
  wait: wholeNumber(0, waitSecondsMax)
    .optional()
    .describe('For how many seconds the answer is held while there is nothing.'),
})

export const streamQuerySchema = z.strictObject(filterShape)

export const streamHeadersSchema = z.object({
  'last-event-id': z.string().max(16_384).optional().describe('A cursor; it goes before `after`.'),
})
