/** What the calls about subscriptions take. Every fault is found at once. */
import { z } from 'zod'
import { eventTypes, matchTypes } from '../../events/catalogue.ts'
import { caseReasonSchema } from './cases.ts'
import { type ReadSubscriberUrl, urlCharactersMax, urlFaults } from './subscriber-url.ts'
import { line } from './transfer-request.ts'

/** What the schemas cannot know by themselves. */
export interface SubscriptionTerms {
  readUrl: ReadSubscriberUrl
  /** Configured, or was: events of one that is not any more may still come. */
  isAccount(id: string): boolean
}

const typesMax = 100
const accountsMax = 100
const descriptionMax = 256
/** Beyond any pattern that means something. */
const patternMax = Math.max(...eventTypes.map((type) => type.length))

const overlapHoursMax = 168
export const overlapHoursDefault = 24

const secretPrefix = 'whsec_'
const secretBytesMin = 24
const secretBytesMax = 64
/** Fewer different bytes than this are no random ones. */
const secretVarietyMin = 8

const typeSchema = z
  .string()
  .max(patternMax)
  .refine((pattern) => matchTypes(pattern).length > 0, {
    params: { code: 'unknown-type' },
    message: 'No type of event is named so.',
  })

const fieldsOf = ({ readUrl, isAccount }: SubscriptionTerms) => ({
  url: z
    .string()
    .meta({ format: 'uri', maxLength: urlCharactersMax })
    .superRefine((text, context) => {
      const answer = readUrl(text)
      if (answer.ok) return
      for (const code of answer.faults)
        context.addIssue({ code: 'custom', params: { code }, message: urlFaults[code] })
    }),
  types: z
    .array(typeSchema)
    .max(typesMax)
    .meta({ description: 'Full types, or beginnings with `*` behind them; none: every type.' }),
  accounts: z
    .array(
      z.string().refine(isAccount, {
        params: { code: 'unknown-account' },
        message: 'There is no such account.',
      }),
    )
    .max(accountsMax)
    .meta({ description: 'None: every account, and what is of none.' }),
})

export function createSubscriptionSchema(terms: SubscriptionTerms) {
  const { url, types, accounts } = fieldsOf(terms)
  return z.strictObject({
    url,
    types: types.optional(),
    accounts: accounts.optional(),
    description: line(descriptionMax).optional(),
    disabled: z.boolean().optional(),
  })
}

export function changeSubscriptionSchema(terms: SubscriptionTerms) {
  const { url, types, accounts } = fieldsOf(terms)
  return z
    .strictObject({
      url: url.optional(),
      types: types.optional(),
      accounts: accounts.optional(),
      description: line(descriptionMax).nullable().optional(),
      enabled: z.boolean().optional(),
      missed: z.enum(['skip', 'send']).optional(),
      reason: caseReasonSchema.optional(),
    })
    .refine(({ enabled, missed }) => missed === undefined || enabled === true, {
      path: ['missed'],
      params: { code: 'not-enabling' },
      message: 'It goes with `enabled: true` alone.',
    })
    .refine(({ reason, ...changes }) => reason === undefined || Object.keys(changes).length > 0, {
      path: ['reason'],
      params: { code: 'no-change' },
      message: 'It goes with what is changed.',
    })
}

export const rotateSchema = z.strictObject({
  overlapHours: z.int().min(0).max(overlapHoursMax).optional(),
  secret: z
    .string()
    .refine(isSecret, {
      params: { code: 'not-a-secret' },
      message: `It must be ${secretPrefix} and ${secretBytesMin} to ${secretBytesMax} random bytes in base64.`,
    })
    .optional(),
})

export const nothingSchema = z.strictObject({})

export function makeSecret(randomBytes: (count: number) => Uint8Array): string {
  return secretPrefix + Buffer.from(randomBytes(32)).toString('base64')
}

function isSecret(text: string): boolean {
  if (!text.startsWith(secretPrefix)) return false
  const given = text.slice(secretPrefix.length)
  const bytes = Buffer.from(given, 'base64')
  return (
    bytes.toString('base64') === given &&
    bytes.length >= secretBytesMin &&
    bytes.length <= secretBytesMax &&
    new Set(bytes).size >= secretVarietyMin
  )
}
