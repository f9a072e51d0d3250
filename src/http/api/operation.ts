/**
 * What one call of the API takes and answers: the schemas that its route validates with, for the document that is
 * generated from them. Each file of routes exports its operations beside them.
 */
import type { z } from 'zod'
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
}
