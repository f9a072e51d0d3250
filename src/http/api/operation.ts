/**
 * What one call of the API takes and answers: the schemas that its route validates with, for the document that is
 * generated from them. Each file of routes exports its operations beside them.
 */
import { z } from 'zod'
import type { ErrorCode } from '../../domain/errors.ts'
import type { Scope } from '../../domain/scopes.ts'

export interface Operation {
  /** `listTransfers` */
  id: string
  method: 'get' | 'post' | 'patch' | 'delete'
  /** With its parameters in braces, as `/v1/transfers/{id}`. */
  path: string
  tag: string
  summary: string
  description?: string
  /** Missing where no token is asked for. */
  scope?: Scope
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: z.ZodType
  /** The call may be made without a body. */
  bodyOptional?: true
  /** A body that is taken; a test holds it to the schema. */
  example?: unknown
  answers: Record<number, OperationAnswer>
  /** Beside those that every call may answer with. */
  problems?: readonly ErrorCode[]
}

export interface OperationAnswer {
  description: string
  /** Missing where there is no body. */
  schema?: z.ZodType
  /** Where it is not JSON. */
  contentType?: string
  /** By name, what each of them says. */
  headers?: Record<string, string>
}

/**
 * For a schema that reads more loosely than what it takes, so that it can tell faults apart: what a caller sends all the same.
 * Only schemas that are validated with stand here.
 */
export function takenAs<Schema extends z.ZodType>(schema: Schema, as: z.ZodType): Schema {
  taken.set(schema, as)
  return schema
}
const taken = new WeakMap<object, z.ZodType>()

export function whatIsTaken(schema: object): z.ZodType | undefined {
  return taken.get(schema)
}

/** A list, as every call answers with one. */
export const pageOf = (item: z.ZodType) => z.object({ items: z.array(item), next: nextSchema })

const nextSchema = z
  .string()
  .nullable()
  .meta({ description: 'Give it as `after` to go on; null: this was the last page.' })

/** Where a registration is found again. */
export const locationHeader = { location: 'The path of the resource.' }
