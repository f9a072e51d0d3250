import { z } from 'zod'
import { AppError, type FieldError, formatPath } from '../../domain/errors.ts'

/** Of a query, where everything is text. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, `It must be a whole number from ${min} to ${max}.`)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max })

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
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'It is required.' : mustBe[String(issue.expected)]
    case 'invalid_value':
      return `It must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}.`
    case 'too_big':
      return holds(issue.origin, 'at most', issue.maximum)
    case 'too_small':
      return holds(issue.origin, 'at least', issue.minimum)
    default:
      return undefined
  }
}

const mustBe: Record<string, string> = {
  string: 'It must be text.',
  boolean: 'It must be true or false.',
  number: 'It must be a number.',
  int: 'It must be a whole number.',
  array: 'It must be a list.',
  object: 'It must be an object.',
}

function holds(origin: string, bound: string, count: number | bigint): string {
  if (origin === 'array') return `It holds ${bound} ${count}.`
  if (origin === 'string') return `It has ${bound} ${count} ${count === 1 ? 'character' : 'characters'}.`
  return `It must be ${bound} ${count}.`
}

export function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      code: 'unknown-field',
      message: 'This field is not known.',
    }))
  }
  return [{ path: formatPath(issue.path), code: codeOf(issue), message: issue.message }]
}

/** How a schema is put together is no business of callers: that none of several fits, or that a rule of ours has no code. */
function codeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return (issue.params?.code as string | undefined) ?? 'invalid-value'
  return issue.code === 'invalid_union' ? 'invalid-value' : issue.code.replaceAll('_', '-')
}
