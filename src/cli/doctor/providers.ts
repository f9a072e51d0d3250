/** Each account: what can be done with it as it is configured, whether its provider is reached, and whose clock is right. */
import { createProviders } from '../../compose/providers.ts'
import type { Config } from '../../config/config.ts'
import { asAppError } from '../../domain/errors.ts'
import type { OutboundFetch } from '../../outbound/fetch.ts'
import type { Endpoint } from '../../providers/client.ts'
import { silentLogger } from '../../telemetry/logger.ts'
import { type Finding, fault, ok, warning } from './finding.ts'
import { describeSkew } from './redis.ts'

export interface ProviderLook {
  config: Config
  fetchFor(origin: string): OutboundFetch
  clock: () => number
  randomBytes(count: number): Uint8Array
}

/** Of the five minutes that providers allow, with room for the network. A Date header is in whole seconds. */
const skewMsMax = 5_000
const skewMsFault = 120_000

export async function lookAtProviders({
  config,
  fetchFor,
  clock,
  randomBytes,
}: ProviderLook): Promise<Finding[]> {
  const endpoints = new Map<string, Endpoint>()
  const connectTo = (endpoint: Endpoint) => {
    endpoints.set(endpoint.account, endpoint)
    return async () => ({ outcome: 'unsent' as const, because: 'Nothing is called here.' })
  }
  createProviders(config, { clock, randomBytes, logger: silentLogger, connectTo })
  const findings = config.accounts.map(async ({ id }) => {
    const about = `account ${id}`
    const endpoint = endpoints.get(id)
    if (!endpoint)
      return [
        warning(about, 'Its callbacks are taken; nothing can be sent for it and nothing asked.', receiveOnly),
      ]
    const { baseUrl, spareUrl } = endpoint
    const hosts = [baseUrl, ...(spareUrl === undefined ? [] : [spareUrl])]
    return Promise.all(hosts.map((host) => lookAtHost(about, host, fetchFor(host), clock)))
  })
  return (await Promise.all(findings)).flat()
}

const receiveOnly =
  'Where that is meant, nothing. Else give it baseUrl and what its provider’s calls are signed with.'

async function lookAtHost(
  about: string,
  host: string,
  fetch: OutboundFetch,
  clock: () => number,
): Promise<Finding> {
  try {
    const answer = await fetch(host, { method: 'HEAD' })
    const skewMs = Date.parse(answer.headers.get('date') ?? '') - clock()
    if (!(Math.abs(skewMs) > skewMsMax)) return ok(about, `${host} answers, and its clock is ours.`)
    const says = `The clock of ${host} is ${describeSkew(skewMs)} ours.`
    const mend = 'Keep this machine’s clock by NTP: callbacks outside the time window are refused.'
    return Math.abs(skewMs) > skewMsFault ? fault(about, says, mend) : warning(about, says, mend)
  } catch (error) {
    return fault(about, asAppError(error).detail, unreachable)
  }
}

const unreachable = 'See whether this machine may reach it: name, firewall, certificate, outbound.allow.'
