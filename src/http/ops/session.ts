/**
 * A session is a signed statement of who signed in, how and when, kept by the browser alone, so that operators with a token
 * get in while Redis is away. It holds no token and no scopes: those are looked up at each request, and a token or an operator
 * that is taken away, or changed, ends its sessions with it. It ends after eight hours, and after one in which nobody did
 * anything.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'
import { jwtVerify, SignJWT } from 'jose'
import { type SignInWay, signInWays } from '../../domain/audit.ts'
import { isRole, type Role } from '../../domain/roles.ts'
import type { Principal } from '../principal.ts'

/** What it says of who signed in. */
export interface SessionClaims {
  id: string
  via: SignInWay
  tokenId?: string | undefined
  role?: Role | undefined
}

export interface Sessions {
  begin(req: Request, res: Response, principal: Principal): Promise<void>
  /** One that is in use is prolonged by the answer. */
  read(req: Request): Promise<Principal | null>
  end(req: Request, res: Response): void
  /** What every form of this session has to carry; undefined without a session. */
  formTokenOf(req: Request): Promise<string | undefined>
}

export interface SessionsDeps {
  /** As they are now; null where their sessions are over. */
  principalOf(claims: SessionClaims): Promise<Principal | null> | Principal | null
  sessionKey: Uint8Array
  clock: () => number
}

export const cookieName = 'tallyhook_session'
const audience = 'tallyhook:ops'
const sessionS = 8 * 3600
const idleS = 3600
/** Not at every request: those of one page come together. */
const prolongAfterS = 300

interface Session extends SessionClaims {
  key: string
  beganAt: number
  seenAt: number
}

export function createSessions({ principalOf, sessionKey, clock }: SessionsDeps): Sessions {
  const nowS = () => Math.floor(clock() / 1000)

  async function write(req: Request, res: Response, session: Session): Promise<void> {
    const { id, via, tokenId, role, key, beganAt, seenAt } = session
    const endsAt = beganAt + sessionS
    const text = await new SignJWT({ via, tokenId, role, began: beganAt })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setAudience(audience)
      .setJti(key)
      .setIssuedAt(seenAt)
      .setExpirationTime(Math.min(endsAt, seenAt + idleS))
      .sign(sessionKey)
    setCookie(req, res, text, Math.max(0, endsAt - seenAt))
  }

  async function verify(req: Request): Promise<Session | null> {
    const cookie = readCookie(req)
    if (cookie === undefined) return null
    try {
      const { payload } = await jwtVerify(cookie, sessionKey, {
        algorithms: ['HS256'],
        audience,
        currentDate: new Date(clock()),
        requiredClaims: ['exp', 'sub', 'jti', 'iat'],
      })
      const { sub: id = '', jti: key = '', iat: seenAt = 0, tokenId, role } = payload
      const via = signInWays.find((way) => way === payload.via)
      const beganAt = Number(payload.began)
      if (!via || !(nowS() < beganAt + sessionS)) return null
      return {
        id,
        via,
        key,
        beganAt,
        seenAt,
        ...(typeof tokenId === 'string' && { tokenId }),
        ...(isRole(role) && { role }),
      }
    } catch {
      return null
    }
  }

  return {
    async begin(req, res, { id, via = 'token', tokenId, role }) {
      const key = randomBytes(16).toString('base64url')
      await write(req, res, { id, via, tokenId, role, key, beganAt: nowS(), seenAt: nowS() })
    },
    async read(req) {
      const session = await verify(req)
      const principal = session && (await principalOf(session))
      if (!session || !principal) return null
      const { res } = req
      if (res && !res.headersSent && isOfPerson(req) && nowS() - session.seenAt >= prolongAfterS)
        await write(req, res, { ...session, seenAt: nowS() })
      return principal
    },
    end(req, res) {
      setCookie(req, res, '', 0)
    },
    async formTokenOf(req) {
      const session = await verify(req)
      if (!session) return undefined
      return createHmac('sha256', sessionKey).update(`form:${session.key}`).digest('base64url')
    },
  }
}

/** A page that keeps itself fresh is nobody who does something. */
function isOfPerson(req: Request): boolean {
  const mode = req.get('sec-fetch-mode')
  return mode === undefined || mode === 'navigate' || req.method !== 'GET'
}

export function isSameToken(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function setCookie(req: Request, res: Response, value: string, maxAgeS: number): void {
  const name = `${cookieName}=`
  // What one answer said before does not count: a session that ends is not prolonged.
  const others = [res.getHeader('set-cookie') ?? []]
    .flat()
    .map(String)
    .filter((one) => !one.startsWith(name))
  // Behind a proxy that ends TLS the header tells; a browser that forges it only locks itself out.
  const flags = `Path=/ops; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${isSecure(req) ? '; Secure' : ''}`
  res.setHeader('set-cookie', [...others, `${name}${value}; ${flags}`])
}

export function isSecure(req: Request): boolean {
  return req.secure || req.get('x-forwarded-proto') === 'https'
}

export function readCookie(req: Request, name = cookieName): string | undefined {
  const cookies = (req.headers.cookie ?? '').split(';').map((cookie) => cookie.trim())
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1)
}
