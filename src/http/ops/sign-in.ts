import express, { Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { Principal } from '../principal.ts'
import { refuseCrossSite } from './guard.ts'
import { renderSignIn, renderSignOut } from './page.ts'
import { boardPath, opsPath } from './paths.ts'
import type { Sessions } from './session.ts'
import type { SignInRecord } from './sign-in-record.ts'

export interface SignInDeps {
  authenticate(token: string): Principal | null
  sessions: Sessions
  record: SignInRecord
}

export const readForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 64 })

export function createSignInRoutes({ authenticate, sessions, record }: SignInDeps): Router {
  const router = Router()

  router.get('/sign-in', (req, res) => {
    res.type('html').send(renderSignIn({ next: safeNext(req.query.next) }))
  })

  router.post('/sign-in', readForm, async (req, res) => {
    refuseCrossSite(req)
    const form = (req.body ?? {}) as Record<string, unknown>
    const next = safeNext(form.next)
    const principal = typeof form.token === 'string' ? authenticate(form.token.trim()) : null
    if (!principal?.scopes.includes('ops:read')) {
      const code = principal ? 'missing-scope' : 'unauthenticated'
      await record.refused(req, { who: principal?.id, via: 'token', code })
      const message = principal ? 'This token may not see the operators’ pages.' : 'This token is not known.'
      res
        .status(principal ? 403 : 401)
        .type('html')
        .send(renderSignIn({ next, message }))
      return
    }
    await sessions.begin(req, res, principal)
    await record.signedIn(req, principal)
    res.redirect(303, next)
  })

  router.get('/sign-out', (_req, res) => {
    res.type('html').send(renderSignOut())
  })

  router.post('/sign-out', async (req, res) => {
    refuseCrossSite(req)
    const principal = await sessions.read(req)
    if (principal) await record.signedOut(req, principal)
    sessions.end(req, res)
    res.redirect(303, `${opsPath}/sign-in`)
  })

  router.all(['/sign-in', '/sign-out'], (_req, res) => {
    res.setHeader('allow', 'GET, POST')
    throw new AppError('method-not-allowed')
  })
  return router
}

/** A path of ours, whatever was asked for: an open redirect would lend our name to somebody else's page. */
export function safeNext(asked: unknown): string {
  if (typeof asked !== 'string' || !asked.startsWith('/') || asked.includes('\\')) return boardPath
  const here = 'http://here.invalid'
  if (!URL.canParse(asked, here)) return boardPath
  const url = new URL(asked, here)
  const ours = url.origin === here && (url.pathname === opsPath || url.pathname.startsWith(`${opsPath}/`))
  return ours ? url.pathname + url.search : boardPath
}
