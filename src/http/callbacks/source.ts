/**
 * Whose address a request comes from. Anyone can write an X-Forwarded-For header, so it is believed for exactly as many
 * hops as there are proxies of ours: each of them appended the address that it saw, and what stands before those was
 * written by the sender.
 */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** Undefined where it cannot be told: the request did not come through all the proxies that there are said to be. */
export type SourceOf = (req: IncomingMessage) => string | undefined

export function createSourceOf(trustedProxies: number): SourceOf {
  return (req) => {
    const nearest = plainAddress(req.socket.remoteAddress ?? '')
    if (trustedProxies === 0) return nearest
    const forwarded = req.headers['x-forwarded-for']
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',')
    const address = hops.at(-trustedProxies)
    return hops.length < trustedProxies || address === undefined
      ? undefined
      : plainAddress(withoutPort(address))
  }
}

/** Some proxies write the port as well: `198.51.100.7:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?$/.exec(hop.trim()) ?? []
  return bracketed ?? dotted ?? hop.trim()
}

/** An IPv4 address that came over an IPv6 socket is still that IPv4 address. */
function plainAddress(text: string): string | undefined {
  const mapped = text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text
  return isIP(mapped) === 0 ? undefined : mapped
}

/** Whether an account takes callbacks from there. One that names no sources takes them from everywhere. */
export type SourceRule = (account: string, source: string | undefined) => boolean

/** Addresses and networks, as `101.226.103.0/25`. They were checked when the configuration was read. */
export function createSourceRule(networksOf: ReadonlyMap<string, readonly string[]>): SourceRule {
  const lists = new Map([...networksOf].map(([account, networks]) => [account, listOf(networks)]))
  return (account, source) => {
    const list = lists.get(account)
    if (!list) return true
    return source !== undefined && isIP(source) !== 0 && list.check(source, isIPv4(source) ? 'ipv4' : 'ipv6')
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** One sender holds a whole /64 of IPv6, and could fail under a new address each time. */
export function neighbourhoodOf(source: string): string {
  if (!source.includes(':')) return source
  const [head = '', tail] = source.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  const full = [...groups, ...Array<string>(zeros).fill('0'), ...rest]
  return `${full
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
