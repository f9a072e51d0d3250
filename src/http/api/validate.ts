import { z } from 'zod'
import { AppError, type FieldError, formatPath } from '../../domain/errors.ts'

/** Of a query, where everything is text. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, `It must be a whole number from ${min} to ${max}.`)
    .transform(Number)
    .pipe(z.number().min(min).max(max))

/** How many entries a list shows where nothing is said. */
export function limitOf(asked: number | undefined): number {
  return asked ?? 100
}

/** The input in its type, or a 422 that lists every fault with its place. */
export function validate<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { error: explain })
  if (parsed.success) return parsed.data
  throw new AppError('invalid-request', {
    detail: 'The request is not valid; `errors` says where.',
    errors: parsed.error.issues.flatMap(toFieldErrors),
  })
}

/** Where the schema says nothing of its own, in our words. */
const explain: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'It is required.'
  const isList = 'origin' in issue && issue.origin === 'array'
  if (issue.code === 'too_big' && isList) return `It holds at most ${issue.maximum}.`
  if (issue.code === 'too_small' && isList) return `It holds at least ${issue.minimum}.`
  return undefined
}

export function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      code: 'unknown-field',
      message: 'This field is not known.',
    }))
  }
  const code = issue.code === 'custom' ? (issue.params?.code as string | undefined) : undefined
  return [
    { path: formatPath(issue.path), code: code ?? issue.code.replaceAll('_', '-'), message: issue.message },
  ]
}
