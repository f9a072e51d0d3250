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

/** The fields that are as they should be, each by itself: a fault in one must not hide what is wrong with another. */
export function readFields<Shape extends z.ZodRawShape>(
  shape: Shape,
  input: unknown,
): Partial<z.output<z.ZodObject<Shape>>> {
  const given = Object(input) as Record<string, unknown>
  const read = Object.entries(shape).flatMap(([name, schema]) => {
    const parsed = z.safeParse(schema, given[name])
    return parsed.success && parsed.data !== undefined ? [[name, parsed.data] as const] : []
  })
  return Object.fromEntries(read) as Partial<z.output<z.ZodObject<Shape>>>
}

/** Where the schema says nothing of its own, in our words. */
export const explain: z.core.$ZodErrorMap = (issue) => {
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
