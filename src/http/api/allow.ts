import type { RequestHandler } from 'express'
import { AppError } from '../../domain/errors.ts'

/** Stands behind a path's routes: another method is told which there are. */
export function allowOnly(...methods: string[]): RequestHandler {
  return (_req, res) => {
    res.setHeader('allow', methods.join(', '))
    throw new AppError('method-not-allowed')
  }
}
