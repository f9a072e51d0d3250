/**
 * Whether events may be pushed to a URL. It keeps mistakes and the plain attempts out at the door; the door that counts
 * is at the connection, where every address that a name leads to is looked at again, each time.
 *
 * The URL is read by the very parser that the request will be made with, so a host that is written in an odd way (one
 * number, octal or hexadecimal parts, full-width digits, a dot behind it) is looked at as the address that it is.
 */
export const urlFaults = {
  'url-not-valid': 'It must be an absolute URL, as https://hooks.example/tallyhook, without spaces in it.',
  'url-too-long': 'It has at most 2048 characters.',
  'url-not-https': 'It must begin with https:// (or with http://, where outbound.http allows that).',
  'url-has-credentials': 'It must not carry a name or password; deliveries are signed instead.',
  'url-has-fragment': 'It must not have a fragment, which is never sent.',
  'url-address-refused':
    'Its address is not on the public internet, and no network of outbound.allow has it.',
} as const
export type UrlFault = keyof typeof urlFaults

export type SubscriberUrl = { ok: true; url: string } | { ok: false; faults: UrlFault[] }
export type ReadSubscriberUrl = (text: string) => SubscriberUrl

export interface SubscriberUrlDeps {
  /** Of a literal address. */
  mayReach(address: string): boolean
  /** Whether plain http may be used. */
  http: boolean
}

export const urlCharactersMax = 2048
const nameCharactersMax = 253

export function createReadSubscriberUrl({ mayReach, http }: SubscriberUrlDeps): ReadSubscriberUrl {
  const schemes = http ? ['https:', 'http:'] : ['https:']

  /** What can be said of the host without asking for its address. */
  function isRefused(hostname: string): boolean {
    if (hostname.startsWith('[')) return !mayReach(hostname.slice(1, -1))
    if (isDotted(hostname)) return !mayReach(hostname)
    const name = hostname.replace(/\.$/, '')
    const isLocal = name === 'localhost' || name.endsWith('.localhost')
    return isLocal && !(mayReach('127.0.0.1') || mayReach('::1'))
  }

  return (text) => {
    if (text.length > urlCharactersMax) return { ok: false, faults: ['url-too-long'] }
    const url = parse(text)
    if (!url) return { ok: false, faults: ['url-not-valid'] }
    const faults: UrlFault[] = []
    if (!schemes.includes(url.protocol)) faults.push('url-not-https')
    if (hasCredentials(text, url)) faults.push('url-has-credentials')
    if (text.includes('#')) faults.push('url-has-fragment')
    if (isRefused(url.hostname)) faults.push('url-address-refused')
    if (url.href.length > urlCharactersMax) faults.push('url-too-long')
    return faults.length > 0 ? { ok: false, faults } : { ok: true, url: url.href }
  }
}

/** The parser mends a lot: it is not handed what only mending makes a URL. */
function parse(text: string): URL | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(text) || /[\s\\\p{Cc}\p{Cs}]/u.test(text)) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url && isHost(url.hostname) && url.port !== '0' ? url : undefined
}

/** An address, or a name that could be one of the DNS. */
function isHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return true
  const name = hostname.replace(/\.$/, '')
  return name.length <= nameCharactersMax && name.split('.').every((label) => /^[\w-]{1,63}$/.test(label))
}

/** As the parser writes every IPv4 address. */
function isDotted(hostname: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Also empty ones, which the parser drops. */
function hasCredentials(text: string, { username, password }: URL): boolean {
  const [, authority = ''] = /^[^:]+:\/\/([^/?#]*)/.exec(text) ?? []
  return username !== '' || password !== '' || authority.includes('@')
}
