/**
 * Every form of a session carries a token of it, besides coming from our own pages. It is put into each form as the page goes
 * out, so that no page can forget it, and taken out of what was posted before anybody reads that. What a form cannot send
 * (PUT, PATCH, DELETE, JSON) another site could only send after asking, which nobody answers; there the origin is enough.
 */
import type { Request, RequestHandler, Response } from 'express'
import { AppError } from '../../domain/errors.ts'
import { isSameToken, type Sessions } from './session.ts'

const field = 'form-token'
const formOpening = /<form\b[^>]*\bmethod="post"[^>]*>/g

export function createFormTokens(sessions: Pick<Sessions, 'formTokenOf'>): RequestHandler {
  return async (req, res, next) => {
    const token = await sessions.formTokenOf(req)
    if (token === undefined) return next()
    // The page of the sign-in may be older than the session.
    const isAsked = req.method === 'POST' && req.path !== '/sign-in'
    if (isAsked && req.headers.authorization === undefined) {
      const given = takeToken(req)
      if (given === undefined || !isSameToken(given, token)) {
        throw new AppError('cross-site-request', {
          detail: 'The form is not of this session. Load the page again, and send it once more.',
        })
      }
    }
    putInto(res, token)
    next()
  }
}

function takeToken(req: Request): string | undefined {
  const body = Object(req.body) as Record<string, unknown>
  const given = body[field] ?? req.get('x-form-token')
  delete body[field]
  return typeof given === 'string' ? given : undefined
}

function putInto(res: Response, token: string): void {
  const send = res.send.bind(res)
  const input = `<input type="hidden" name="${field}" value="${token}">`
  res.send = (body) =>
    send(typeof body === 'string' ? body.replace(formOpening, (form) => form + input) : body)
}
