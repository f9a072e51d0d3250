/** Problem details (RFC 9457) for our own endpoints. The code is stable; the detail is for whoever reads it. */
import type { ServerResponse } from 'node:http'
import { type AppError, errorCodes } from '../domain/errors.ts'

export interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail: string
  errors?: AppError['errors']
}

export function toProblem(error: AppError): Problem {
  const { status, title } = errorCodes[error.code]
  const problem: Problem = {
    ...error.extra,
    type: `urn:tallyhook:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.detail,
  }
  return error.errors.length > 0 ? { ...problem, errors: error.errors } : problem
}

export function sendProblem(res: ServerResponse, error: AppError): void {
  const problem = toProblem(error)
  res.statusCode = problem.status
  res.setHeader('content-type', 'application/problem+json')
  if (problem.status === 503) res.setHeader('retry-after', '1')
  res.end(JSON.stringify(problem))
}
