/**
 * Connects only where it may. The name is resolved here, once, at the moment of connecting, and the socket goes to the
 * very addresses that were looked at: a name that answers differently the second time gains nothing. All that a name
 * resolves to must be allowed, since which of them is dialled is not ours to choose.
 */
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { AppError } from '../domain/errors.ts'
import type { AddressCheck } from './networks.ts'

export interface ResolvedAddress {
  address: string
  family: number
}

export type Resolve = (host: string) => Promise<ResolvedAddress[]>

/** As every program of the machine does, `/etc/hosts` included. */
export const resolveBySystem: Resolve = (host) => lookup(host, { all: true })

/** Nobody was connected to, since the name led nowhere. */
export class NameNotResolved extends Error {}

export interface ConnectorDeps {
  mayReach: AddressCheck
  resolve: Resolve
  connectMsMax: number
}

export function createConnector({
  mayReach,
  resolve,
  connectMsMax,
}: ConnectorDeps): buildConnector.connector {
  const connect = buildConnector({ lookup: createLookup(mayReach, resolve), timeout: connectMsMax })
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    // An address is dialled without being looked up, so it is looked at here.
    if (isIP(host) !== 0 && !mayReach(host)) return callback(refused(host, [host]), null)
    return connect(options, callback)
  }
}

function createLookup(mayReach: AddressCheck, resolve: Resolve): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses
        const forbidden = addresses.filter(({ address }) => !mayReach(address))
        if (!first) return callback(new NameNotResolved('The name has no address.'), '')
        if (forbidden.length > 0) {
          return callback(
            refused(
              host,
              forbidden.map(({ address }) => address),
            ),
            '',
          )
        }
        if (all) return callback(null, addresses)
        return callback(null, first.address, first.family)
      },
      (cause) => callback(new NameNotResolved('The name was not resolved.', { cause }), ''),
    )
  }
}

function refused(host: string, addresses: string[]): AppError {
  return new AppError('outbound-refused', {
    detail: `${host} is not on the public internet, and no network of outbound.allow has it.`,
    context: { host, addresses },
  })
}
