/**
 * REDIS_URL in its four forms. The lists of hosts are no URLs in the sense of the standard, so they are read here, and
 * nothing that is said of a wrong one repeats any part of it: a password may stand anywhere in what was mistyped.
 *
 *   redis://[user:password@]host[:port][/db]
 *   redis+sentinel://[user:password@]host[:port][,host[:port]…]/master[?db=&sentinelUsername=&sentinelPassword=]
 *   redis+cluster://[user:password@]host[:port][,host[:port]…]
 *   and each with rediss for TLS
 */
export interface HostPort {
  host: string
  port: number
}

export interface Credentials {
  username?: string
  password?: string
}

export type RedisAddress =
  | { kind: 'url'; url: string }
  | ({
      kind: 'sentinel'
      nodes: HostPort[]
      master: string
      db: number
      tls: boolean
      sentinelUsername?: string
      sentinelPassword?: string
    } & Credentials)
  | ({ kind: 'cluster'; nodes: HostPort[]; tls: boolean } & Credentials)

export type ParsedRedisUrl =
  | { outcome: 'parsed'; address: RedisAddress }
  | { outcome: 'invalid'; sentence: string }

const form = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@]*)@)?([^@/?#]*)(?:\/([^@?#]*))?(?:\?([^#]*))?$/

const portOf = { sentinel: 26_379, cluster: 6_379 }

/** Thrown and caught within this file, so that each check can be one line. */
class Wrong extends Error {}

export function parseRedisUrl(text: string): ParsedRedisUrl {
  try {
    return { outcome: 'parsed', address: parse(text.trim()) }
  } catch (error) {
    if (error instanceof Wrong) return { outcome: 'invalid', sentence: error.message }
    throw error
  }
}

function parse(text: string): RedisAddress {
  if (!/^rediss?(\+sentinel|\+cluster)?:\/\//.test(text)) {
    throw new Wrong(
      'It must begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://.',
    )
  }
  if (/^rediss?:/.test(text)) {
    if (!URL.canParse(text) || !new URL(text).hostname) throw new Wrong('It is not a URL.')
    return { kind: 'url', url: text }
  }
  const [, scheme, kind, userinfo, hosts = '', path = '', query = ''] = form.exec(text) ?? []
  if (kind !== 'sentinel' && kind !== 'cluster') {
    throw new Wrong('It cannot be read; write an @ within a password as %40.')
  }
  const shared = {
    nodes: hosts.split(',').map((host) => parseHost(host, portOf[kind])),
    tls: scheme === 'rediss',
    ...parseUserinfo(userinfo),
  }
  if (kind === 'sentinel') return { kind, ...shared, ...parseSentinel(path, query) }
  if (path !== '' || query !== '')
    throw new Wrong('Nothing follows the hosts of a cluster; it has one database.')
  return { kind, ...shared }
}

function parseSentinel(path: string, query: string) {
  if (path === '') throw new Wrong('The name of the master is missing: redis+sentinel://host:port/master.')
  const master = decode(path)
  const given = new URLSearchParams(query)
  const known = ['db', 'sentinelUsername', 'sentinelPassword']
  for (const name of given.keys()) {
    if (!known.includes(name)) throw new Wrong(`After the ? it knows ${known.join(', ')}.`)
  }
  const db = given.get('db') ?? '0'
  if (!/^\d{1,4}$/.test(db)) throw new Wrong('db must be a number.')
  const sentinelUsername = given.get('sentinelUsername')
  const sentinelPassword = given.get('sentinelPassword')
  return {
    master,
    db: Number(db),
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
  }
}

function parseHost(text: string, portDefault: number): HostPort {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined)
    throw new Wrong('The hosts must be host:port, with commas between them and no spaces.')
  const number = port === undefined ? portDefault : Number(port)
  if (number < 1 || number > 65_535) throw new Wrong('A port must be from 1 to 65535.')
  return { host, port: number }
}

function parseUserinfo(text: string | undefined): Credentials {
  if (text === undefined || text === '') return {}
  const colon = text.indexOf(':')
  if (colon < 0)
    throw new Wrong('Before the @ stands user:password, or :password where there is no user name.')
  const username = decode(text.slice(0, colon))
  const password = decode(text.slice(colon + 1))
  return { ...(username && { username }), ...(password && { password }) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Wrong('A % must begin a code of two hex digits; write the sign itself as %25.')
  }
}
