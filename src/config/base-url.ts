import { invalidConfiguration } from './invalid.ts'

/** The origin of a provider's API: https, or plain http on loopback. */
export function readBaseUrl(text: string, path: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || url.href !== `${url.origin}/`) {
    throw invalidConfiguration(path, 'It must be an origin alone, as https://provider.example.')
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) {
    throw invalidConfiguration(path, 'It must begin with https://; plain http is for loopback alone.')
  }
  return url.origin
}

/** As a URL has normalised it: `127.1` and `0x7f000001` are 127.0.0.1 by then. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
