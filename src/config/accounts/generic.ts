/** Any provider, by declaration alone: how its callbacks are verified and where in them each thing stands. */
import { z } from 'zod'
import { failureCodes } from '../../domain/failure.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { invalidConfiguration } from '../invalid.ts'
import type { SecretSources } from '../secrets.ts'
import { checkCurrency, commonFields, resolveCommon, text } from './common.ts'
import { resolveVerify, verifySchema } from './generic-verify.ts'

const pointer = text.regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'It must be a JSON Pointer, as /data/ref.')

const observed = {
  succeeded: 'succeeded',
  failed: 'failed',
  returned: 'returned',
  processing: 'processing',
  pending: 'processing',
} as const satisfies Record<string, ObservedStatus>
type StatusWord = keyof typeof observed
const statusWords = Object.keys(observed) as [StatusWord, ...StatusWord[]]

export const translateSchema = z.strictObject(
  {
    reference: pointer,
    providerReference: pointer.optional(),
    amount: pointer,
    amountUnit: z.enum(['major', 'minor']).default('major'),
    currency: pointer.optional(),
    status: pointer,
    statuses: z
      .record(
        z.string().min(1),
        z.enum(statusWords, { error: `It must be one of: ${statusWords.join(', ')}.` }),
        {
          error: "It is required: the provider's words for a status, and what they mean.",
        },
      )
      .refine((words) => Object.keys(words).length > 0, 'It needs at least one.'),
    occurredAt: pointer.optional(),
    accountNumber: pointer.optional(),
    name: pointer.optional(),
    fee: pointer.optional(),
    failureCode: pointer.optional(),
    failureCodes: z
      .record(
        z.string().min(1),
        z.enum(failureCodes, { error: `It must be one of: ${failureCodes.join(', ')}.` }),
      )
      .optional(),
    failureReason: pointer.optional(),
  },
  { error: 'It is required: where in a callback the reference, the amount and the status stand.' },
)

export const genericSchema = z.strictObject({
  ...commonFields,
  provider: z.literal('generic'),
  callbackPath: text.regex(/^\/[!-"$->@-~]*$/, 'It is the path alone, as /callbacks/acme.').optional(),
  verify: verifySchema,
  translate: translateSchema,
})

export type GenericSettings = ReturnType<typeof resolveGeneric>

export function resolveGeneric(
  { verify: verifyFile, translate, ...rest }: z.output<typeof genericSchema>,
  path: string,
  sources: SecretSources,
) {
  checkCurrency(rest.currency, path)
  if (translate.failureCodes && translate.failureCode === undefined)
    throw invalidConfiguration(
      `${path}.translate.failureCodes`,
      'It says what the words at failureCode mean; add that pointer, or remove it.',
    )
  const verify = resolveVerify(verifyFile, `${path}.verify`, sources)
  const signsPath = 'signed' in verify && verify.signed.some(({ kind }) => kind === 'path')
  if (rest.callbackPath !== undefined && !signsPath)
    throw invalidConfiguration(`${path}.callbackPath`, 'The path is not part of what is signed; remove it.')
  return {
    ...rest,
    ...resolveCommon(rest),
    verify,
    translate: { ...translate, statuses: readStatuses(translate.statuses) },
  }
}

function readStatuses(words: Record<string, StatusWord>): Record<string, ObservedStatus> {
  return Object.fromEntries(Object.entries(words).map(([word, meaning]) => [word, observed[meaning]]))
}

export function keyIdsOfGeneric({ verify }: GenericSettings): string[] {
  return verify.scheme === 'none' ? ['none'] : verify.keys.map(({ id }) => id)
}
