/** Signing in and out. The page offers what there is: a provider, name and password, a token. */
import express, { type Request, type Response, Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { Principal } from '../principal.ts'
import { refuseCrossSite } from './guard.ts'
import { createOidcRoutes } from './oidc-routes.ts'
import type { OidcSignIn } from './oidc-sign-in.ts'
import type { LocalOperators } from './operator-sign-in.ts'
import { renderSignedOut, renderSignIn, renderSignOut, type SignInPage } from './page.ts'
import { opsPath } from './paths.ts'
import type { Sessions } from './session.ts'
import type { SignInRecord } from './sign-in-record.ts'

export interface SignInDeps {
  authenticate(token: string): Principal | null
  operators?: LocalOperators | undefined
  oidc?: OidcSignIn | undefined
  sessions: Sessions
  record: SignInRecord
}

export const readForm = express.urlencoded({ extended: false, limit: '64kb', parameterLimit: 64 })

interface Refusal {
  status: number
  message: string
  retryAfterS?: number
}

export function createSignInRoutes(deps: SignInDeps): Router {
  const { authenticate, operators, oidc, sessions, record } = deps
  const router = Router()

  async function show(res: Response, page: Pick<SignInPage, 'next' | 'message'>): Promise<void> {
    // Without Redis nobody knows; a token lets one in all the same.
    const withOperators = (await operators?.offered().catch(() => false)) ?? false
    res.type('html').send(renderSignIn({ ...page, withOperators, withOidc: oidc !== undefined }))
  }

  async function byToken(req: Request, token: string): Promise<Principal | Refusal> {
    const principal = authenticate(token.trim())
    if (principal?.scopes.includes('ops:read')) return principal
    const code = principal ? 'missing-scope' : 'unauthenticated'
    await record.refused(req, { who: principal?.id, via: 'token', code })
    return principal
      ? { status: 403, message: 'This token may not see the operators’ pages.' }
      : { status: 401, message: 'This token is not known.' }
  }

  async function byPassword(req: Request, name: string, password: string): Promise<Principal | Refusal> {
    const source = req.socket.remoteAddress ?? 'unknown'
    const signIn = await operators?.signIn(name, password, source)
    if (signIn?.outcome === 'signed-in') return signIn.principal
    if (signIn?.outcome === 'locked') {
      // Not each one: whoever goes on would fill the record.
      const seconds = Math.ceil(signIn.waitMs / 1000)
      const message = `Too many failed attempts. Try again in ${seconds} seconds.`
      return { status: 429, message, retryAfterS: seconds }
    }
    await record.refused(req, { who: signIn?.who, via: 'operator', code: 'unauthenticated' })
    return { status: 401, message: 'Name or password is not right.' }
  }

  router.get('/sign-in', (req, res) => show(res, { next: safeNext(req.query.next) }))

  router.post('/sign-in', readForm, async (req, res) => {
    refuseCrossSite(req)
    const form = (req.body ?? {}) as Record<string, unknown>
    const text = (name: string) => (typeof form[name] === 'string' ? form[name] : '')
    const next = safeNext(form.next)
    const wantsName = text('name') !== '' || text('password') !== ''
    const answer = wantsName
      ? await byPassword(req, text('name'), text('password'))
      : await byToken(req, text('token'))
    if ('message' in answer) {
      if (answer.retryAfterS) res.setHeader('retry-after', answer.retryAfterS)
      res.status(answer.status)
      return show(res, { next, message: answer.message })
    }
    await sessions.begin(req, res, answer)
    await record.signedIn(req, answer)
    res.redirect(303, next)
  })

  if (oidc) router.use(createOidcRoutes({ oidc, sessions, record, safeNext }))

  router.get('/sign-out', (_req, res) => {
    res.type('html').send(renderSignOut())
  })

  router.post('/sign-out', async (req, res) => {
    refuseCrossSite(req)
    const principal = await sessions.read(req)
    if (principal) await record.signedOut(req, principal)
    sessions.end(req, res)
    const elsewhere = principal?.via === 'oidc' ? await oidc?.signOutUrl() : undefined
    // A form of ours may not lead to another host, so that this is a link.
    if (elsewhere !== undefined) return void res.type('html').send(renderSignedOut(elsewhere))
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
  if (typeof asked !== 'string' || !asked.startsWith('/') || asked.includes('\\')) return opsPath
  const here = 'http://here.invalid'
  if (!URL.canParse(asked, here)) return opsPath
  const url = new URL(asked, here)
  const ours = url.origin === here && (url.pathname === opsPath || url.pathname.startsWith(`${opsPath}/`))
  return ours ? url.pathname + url.search : opsPath
}
