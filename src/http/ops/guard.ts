import type { Request } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { Scope } from '../../domain/scopes.ts'
import type { Principal } from '../principal.ts'
import type { Sessions } from './session.ts'

/** Who asks, or an AppError: not signed in, from another site, or without the scope. */
export type Guard = (req: Request, scope: Scope) => Promise<Principal>

export interface GuardDeps {
  authenticate(token: string): Principal | null
  sessions: Sessions
}

export function createGuard({ authenticate, sessions }: GuardDeps): Guard {
  const whoAsks = createWhoAsks({ authenticate }, sessions)
  return async (req, scope) => {
    const principal = await whoAsks(req)
    if (!principal) throw new AppError('unauthenticated')
    // A browser adds the cookie by itself, also to what another site made it send; a token it does not.
    if (tokenOf(req) === undefined) refuseCrossSite(req)
    if (!principal.scopes.includes(scope)) {
      throw new AppError('missing-scope', { detail: `This needs the scope ${scope}.` })
    }
    return principal
  }
}

export function createWhoAsks({ authenticate }: Pick<GuardDeps, 'authenticate'>, sessions: Sessions) {
  return async (req: Request): Promise<Principal | null> => {
    const token = tokenOf(req)
    return token === undefined ? sessions.read(req) : authenticate(token)
  }
}

function tokenOf(req: Request): string | undefined {
  return /^Bearer (\S+)$/i.exec(req.headers.authorization ?? '')?.[1]
}

const safeMethods = new Set(['GET', 'HEAD'])

export function refuseCrossSite(req: Request): void {
  if (safeMethods.has(req.method)) return
  const site = req.get('sec-fetch-site')
  const sameOrigin = site === undefined ? originMatchesHost(req) : site === 'same-origin' || site === 'none'
  if (!sameOrigin) throw new AppError('cross-site-request')
}

function originMatchesHost(req: Request): boolean {
  const origin = req.get('origin')
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === req.get('host')
}
