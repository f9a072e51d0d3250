/** Where in a body each thing stands, and what the provider's words mean. */
import { z } from 'zod'
import { failureCodes } from '../../domain/failure.ts'
import type { ObservedStatus } from '../../domain/observation.ts'
import { invalidConfiguration } from '../invalid.ts'
import { text } from './common.ts'

export const pointer = text.regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'It must be a JSON Pointer, as /data/ref.')

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

export function resolveTranslate(file: z.output<typeof translateSchema>, path: string) {
  if (file.failureCodes && file.failureCode === undefined)
    throw invalidConfiguration(
      `${path}.failureCodes`,
      'It says what the words at failureCode mean; add that pointer, or remove it.',
    )
  return { ...file, statuses: readStatuses(file.statuses) }
}

function readStatuses(words: Record<string, StatusWord>): Record<string, ObservedStatus> {
  return Object.fromEntries(Object.entries(words).map(([word, meaning]) => [word, observed[meaning]]))
}
