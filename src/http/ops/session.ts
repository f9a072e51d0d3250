/**
 * A session is a signed statement of who signed in and until when, kept by the browser alone, so that operators get in
 * while Redis is away. It holds no token and no scopes: those are looked up at each request, and a token that is taken
 * away from the configuration, or replaced there, ends its sessions with it.
 */
import type { Request, Response } from 'express'
import { jwtVerify, SignJWT } from 'jose'
import type { Principal } from '../principal.ts'

export interface Sessions {
  begin(req: Request, res: Response, principal: Principal): Promise<void>
  read(req: Request): Promise<Principal | null>
  end(req: Request, res: Response): void
}

export interface SessionsDeps {
  principalById(id: string): Principal | null
  sessionKey: Uint8Array
  clock: () => number
}

export const cookieName = 'tallyhook_session'
const audience = 'tallyhook:ops'
const sessionS = 8 * 3600

export function createSessions({ principalById, sessionKey, clock }: SessionsDeps): Sessions {
  const nowS = () => Math.floor(clock() / 1000)
  return {
    async begin(req, res, principal) {
      const session = await new SignJWT({ tokenId: principal.tokenId })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(principal.id)
        .setAudience(audience)
        .setIssuedAt(nowS())
        .setExpirationTime(nowS() + sessionS)
        .sign(sessionKey)
      setCookie(req, res, session, sessionS)
    },
    async read(req) {
      const cookie = readCookie(req)
      if (cookie === undefined) return null
      try {
        const options = {
          algorithms: ['HS256'],
          audience,
          currentDate: new Date(clock()),
          requiredClaims: ['exp', 'sub'],
        }
        const { payload } = await jwtVerify(cookie, sessionKey, options)
        const principal = principalById(payload.sub ?? '')
        return principal && principal.tokenId === payload.tokenId ? principal : null
      } catch {
        return null
      }
    },
    end(req, res) {
      setCookie(req, res, '', 0)
    },
  }
}

function setCookie(req: Request, res: Response, value: string, maxAgeS: number): void {
  // Behind a proxy that ends TLS the header tells; a browser that forges it only locks itself out.
  const secure = req.secure || req.get('x-forwarded-proto') === 'https'
  const flags = `Path=/ops; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure ? '; Secure' : ''}`
  res.append('set-cookie', `${cookieName}=${value}; ${flags}`)
}

export function readCookie(req: Request): string | undefined {
  const cookies = (req.headers.cookie ?? '').split(';').map((cookie) => cookie.trim())
  return cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
}
