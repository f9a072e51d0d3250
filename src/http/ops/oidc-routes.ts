/** To the provider and back. */
import { type Request, type Response, Router } from 'express'
import { asAppError } from '../../domain/errors.ts'
import { type OidcSignIn, oidcKeptS } from './oidc-sign-in.ts'
import { renderOnward, renderRefused } from './page.ts'
import { opsPath } from './paths.ts'
import { isSecure, readCookie, type Sessions } from './session.ts'
import type { SignInRecord } from './sign-in-record.ts'

export interface OidcRoutesDeps {
  oidc: OidcSignIn
  sessions: Pick<Sessions, 'begin'>
  record: SignInRecord
  safeNext(asked: unknown): string
}

const cookieName = 'tallyhook_oidc'
export const oidcPath = '/sign-in/oidc'
export const oidcCallbackPath = `${opsPath}${oidcPath}/callback`

export function createOidcRoutes({ oidc, sessions, record, safeNext }: OidcRoutesDeps): Router {
  const router = Router()

  function refuse(res: Response, status: number, message: string): void {
    res.status(status).type('html').send(renderRefused(message))
  }

  async function answer<Answer>(res: Response, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    return ask().catch((error: unknown) => {
      const { code } = asAppError(error)
      if (code !== 'outbound-failed' && code !== 'outbound-refused') throw error
      refuse(res, 503, 'Your organisation’s sign-in cannot be reached just now.')
      return undefined
    })
  }

  router.get(oidcPath, async (req, res) => {
    const begun = await answer(res, () => oidc.begin(safeNext(req.query.next)))
    if (!begun) return
    keep(req, res, begun.kept, oidcKeptS)
    res.redirect(303, begun.url)
  })

  router.get(`${oidcPath}/callback`, async (req, res) => {
    const query = req.originalUrl.slice(req.originalUrl.indexOf('?') + 1)
    const kept = readCookie(req, cookieName)
    // For one try.
    keep(req, res, '', 0)
    const came = await answer(res, () => oidc.finish(query, kept))
    if (!came) return
    if (came.outcome === 'signed-in') {
      await sessions.begin(req, res, came.principal)
      await record.signedIn(req, came.principal)
      // The browser was sent here by another site, so it would not show our cookie if we sent it on: our own page does.
      return void res.type('html').send(renderOnward(safeNext(came.next)))
    }
    if (came.outcome === 'no-role') {
      await record.refused(req, { who: came.who, via: 'oidc', code: 'no-role' })
      return refuse(res, 403, 'Your organisation gives you no role here.')
    }
    await record.refused(req, { via: 'oidc', code: came.why })
    refuse(res, 401, 'The sign-in could not be proved. Begin again.')
  })
  return router
}

/** Not strict: the browser has to bring it when the provider sends it back. */
function keep(req: Request, res: Response, value: string, maxAgeS: number): void {
  const flags = `Path=${opsPath}${oidcPath}; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}`
  res.append('set-cookie', `${cookieName}=${value}; ${flags}${isSecure(req) ? '; Secure' : ''}`)
}
