import type { Request, RequestHandler, Response } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { Scope } from '../../domain/scopes.ts'
import type { Principal } from '../principal.ts'

/** Whoever holds no token is told so before anything of the request is read. */
export function requireToken(authenticate: (token: string) => Principal | null): RequestHandler {
  return (req, res, next) => {
    readPrincipal(authenticate, req, res)
    next()
  }
}

/** Lets on whoever holds a token with this scope. */
export function requireScope(
  authenticate: (token: string) => Principal | null,
  scope: Scope,
): RequestHandler {
  return (req, res, next) => {
    const principal = readPrincipal(authenticate, req, res)
    if (!principal.scopes.includes(scope)) {
      throw new AppError('missing-scope', { detail: `This needs the scope ${scope}.` })
    }
    next()
  }
}

function readPrincipal(
  authenticate: (token: string) => Principal | null,
  req: Request,
  res: Response,
): Principal {
  const token = /^Bearer ([\w\-.~+/]+=*)$/i.exec(req.headers.authorization ?? '')?.[1]
  const principal = token === undefined ? null : authenticate(token)
  if (!principal) {
    res.setHeader('www-authenticate', 'Bearer')
    throw new AppError('unauthenticated', {
      detail: 'Send `Authorization: Bearer <token>` with a token that is configured.',
    })
  }
  rememberPrincipal(res, principal)
  return principal
}

function rememberPrincipal(res: Response, principal: Principal): void {
  res.locals.principal = principal.id
  res.locals.scopes = principal.scopes
}

/** Of who asks: what more than the route needs they may do. */
export function holdsScope(res: Response, scope: Scope): boolean {
  return (res.locals as { scopes?: readonly Scope[] }).scopes?.includes(scope) ?? false
}

export function principalIdOf(req: Request): string | undefined {
  return (req.res?.locals as { principal?: string } | undefined)?.principal
}
