/** What the commands that look into the store have in common of their words. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { AppError } from '../domain/errors.ts'

type Options = NonNullable<ParseArgsConfig['options']>

type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; strict: true; allowPositionals: true }>
>

export function parseArguments<const T extends Options>(args: string[], options: T): Parsed<T> {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true })
  } catch (error) {
    throw usage(error instanceof Error ? error.message : 'The options are off.')
  }
}

export function readLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1) throw usage('--limit: it must be a whole number from 1.')
  return limit
}

export function usage(detail: string): AppError {
  return new AppError('invalid-request', { detail })
}
