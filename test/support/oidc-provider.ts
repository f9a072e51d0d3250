/** A real provider of OpenID Connect, and a browser that signs in there. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const clientId = 'tallyhook'
const clientSecret = 'of-the-client-and-long-enough'

interface Provider {
  callback(): (req: unknown, res: unknown) => void
}

export interface OidcProviderOptions {
  redirectUrl: string
  /** By who signs in: what they belong to. */
  groups: Record<string, string[]>
  /** Says what somebody belongs to in its userinfo alone. */
  inUserInfo?: boolean
}

export async function startOidcProvider({ redirectUrl, groups, inUserInfo = false }: OidcProviderOptions) {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // It warns of development settings, at length.
  const { warn, info } = console
  console.warn = () => {}
  console.info = () => {}
  // It has no types of its own.
  const name = 'oidc-provider'
  const { default: Made } = (await import(name)) as {
    default: new (issuer: string, options: object) => Provider
  }
  const provider = new Made(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUrl] }],
    claims: { openid: ['sub'], profile: ['groups', 'name'] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    conformIdTokenClaims: inUserInfo,
    findAccount: async (_: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ sub: accountId, groups: groups[accountId] ?? [] }),
    }),
  })
  server.on('request', provider.callback())
  console.warn = warn
  console.info = info

  return {
    issuer,
    clientId,
    clientSecret,
    /** From where we send a browser to where the provider sends it back. */
    async signIn(from: string, login: string): Promise<string> {
      const jar = new Map<string, string>()
      let url = from
      let form: URLSearchParams | undefined
      for (let step = 0; step < 20; step++) {
        if (url.startsWith(redirectUrl)) return url
        const answer = await fetch(url, {
          redirect: 'manual',
          method: form ? 'POST' : 'GET',
          headers: { cookie: [...jar].map(([key, value]) => `${key}=${value}`).join('; ') },
          ...(form && { body: form }),
        })
        for (const cookie of answer.headers.getSetCookie()) {
          const [pair = ''] = cookie.split(';')
          jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
        }
        const text = await answer.text()
        const location = answer.headers.get('location')
        if (location) {
          url = new URL(location, url).href
          form = undefined
          continue
        }
        const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1]
        if (!prompt) throw new Error(`The provider shows something else at ${url}: ${text.slice(0, 500)}`)
        url = new URL(/action="([^"]+)"/.exec(text)?.[1] ?? '', url).href
        form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login, password: 'any' }) })
      }
      throw new Error('The provider leads in a circle.')
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type OidcProvider = Awaited<ReturnType<typeof startOidcProvider>>
