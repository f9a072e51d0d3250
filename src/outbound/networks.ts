/**
 * Which addresses are the public internet. What is not plainly public is refused, so that a URL that somebody else
 * chose, or a name that somebody else answers for, cannot be made to point at our own network. The ranges are those of
 * the IANA special-purpose registries.
 */
import { BlockList, isIP } from 'node:net'

const specialV4 = [
  '0.0.0.0/8', // this network, and the unspecified address
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata service of every cloud
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]

/**
 * Only 2000::/3 is given out. Outside it lie the unspecified address, loopback, IPv4-mapped, NAT64, unique local,
 * link-local and multicast addresses; inside it these are not hosts of the internet either.
 */
const globalV6 = '2000::/3'
const specialV6 = [
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which carries an IPv4 address
  '3fff::/20', // documentation
]

export const loopbackNetworks = ['127.0.0.0/8', '::1/128']

const special = toBlockList([...specialV4, ...specialV6])
const global = toBlockList([globalV6])

export type AddressCheck = (address: string) => boolean

/** May this address be connected to? `allow` adds networks, written as CIDR, to the public internet. */
export function createAddressCheck(allow: readonly string[]): AddressCheck {
  const allowed = toBlockList(allow)
  return (address) => {
    const family = familyOf(address)
    return family !== undefined && (allowed.check(address, family) || isPublic(address, family))
  }
}

/** Loopback and nothing else: for a base URL that names it. */
export function createLoopbackCheck(): AddressCheck {
  const loopback = toBlockList(loopbackNetworks)
  return (address) => {
    const family = familyOf(address)
    return family !== undefined && loopback.check(address, family)
  }
}

function isPublic(address: string, family: 'ipv4' | 'ipv6'): boolean {
  if (special.check(address, family)) return false
  return family === 'ipv4' || global.check(address, family)
}

/** An address with a zone, as `fe80::1%eth0`, is of a link and never public. */
function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  if (address.includes('%')) return undefined
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}

function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}
