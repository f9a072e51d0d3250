/**
 * How a provider is called: within what it allows of all our processes together, each attempt for so long, and again at once
 * only where the same again does no harm. `unsent` is said where it is certain; whatever may have left is `unknown`.
 */
import type { Call, CallRequest, ConnectTo, Endpoint, Exchange, RateLimit } from '../providers/client.ts'
import { anySignal } from '../telemetry/any-signal.ts'
import type { Logger } from '../telemetry/logger.ts'
import { anyBucket, createAttempt, type Patience, waited } from './attempt.ts'
import type { CallBudget } from './budget.ts'
import { type Attempt, gravest, pauseAfter } from './call-rules.ts'
import type { OutboundFetch } from './fetch.ts'

export interface CallsDeps {
  budget: CallBudget
  /** For one origin that an operator wrote down. */
  fetchFor(origin: string, options: { keepAlive: boolean; totalMsMax: number }): OutboundFetch
  /** Over everything that an account calls, where it says so. */
  perSecondOf(account: string): number | undefined
  clock: () => number
  random: () => number
  logger: Logger
}

export interface Calls {
  connectTo: ConnectTo
  /** All that an account's calls count against; empty where it calls nobody. */
  limitsOf(account: string): readonly RateLimit[]
}

/** No call takes longer, with all that it repeats. */
export function callMsMax(timeoutMs: number): number {
  return 2 * timeoutMs
}

/** After the first host did not answer and the other one did, that is asked first for so long. */
const preferSpareMs = 60_000

export function createCalls(deps: CallsDeps): Calls {
  const limits = new Map<string, RateLimit[]>()
  return {
    limitsOf: (account) => limits.get(account) ?? [],
    connectTo(endpoint) {
      const { account } = endpoint
      const perSecond = deps.perSecondOf(account)
      const all = [...endpoint.limits]
      if (perSecond !== undefined) all.push({ bucket: anyBucket, count: perSecond, perMs: 1000 })
      limits.set(account, all)
      return createCall(endpoint, all, deps)
    },
  }
}

function createCall(endpoint: Endpoint, limits: readonly RateLimit[], deps: CallsDeps): Call {
  const { account, baseUrl, spareUrl, timeoutMs } = endpoint
  const { budget, clock, random, logger } = deps
  const tryAt = createAttempt({ account, limits, timeoutMs, budget, clock, logger })
  const hosts = [baseUrl, ...(spareUrl === undefined ? [] : [spareUrl])].map((origin) => ({
    origin,
    // What must not go out twice has a connection of its own: of a kept one nobody knows whether it still stands.
    once: deps.fetchFor(origin, { keepAlive: false, totalMsMax: timeoutMs }),
    repeatable: deps.fetchFor(origin, { keepAlive: true, totalMsMax: timeoutMs }),
  }))
  let preferSpareUntil = 0

  async function attempt(index: number, request: CallRequest, patience: Patience): Promise<Attempt> {
    const host = hosts[index % hosts.length]
    if (!host) throw new Error('A provider has a host.')
    return tryAt(host.origin, request.repeatable ? host.repeatable : host.once, request, patience)
  }

  function noteHost(index: number, first: number, { kind }: Attempt): void {
    if (kind !== 'settled' || index === first) return
    preferSpareUntil = index % hosts.length === 1 ? clock() + preferSpareMs : 0
  }

  return async (request, caller) => {
    if (!isPlainPath(baseUrl, request.path)) return { outcome: 'unsent', because: oddPath }
    const patience = createPatience(caller, callMsMax(timeoutMs))
    const first = clock() < preferSpareUntil ? 1 : 0
    let gravestYet: Attempt | undefined
    for (let made = 1; ; made++) {
      const index = first + made - 1
      const attempted = await attempt(index, request, patience)
      noteHost(index, first, attempted)
      if (attempted.kind === 'settled' && isDoubtful(gravestYet)) return afterDoubt(attempted)
      gravestYet = gravest(gravestYet, attempted)
      const options = { repeatable: request.repeatable, hosts: hosts.length }
      const pauseMs = pauseAfter(attempted, made, options, random)
      if (pauseMs === undefined || !(await waited(pauseMs, patience.signal))) return gravestYet.exchange
    }
  }
}

function isDoubtful(attempt: Attempt | undefined): boolean {
  return attempt?.kind === 'unknown' || attempt?.kind === 'broke'
}

function afterDoubt({ exchange }: Attempt): Exchange {
  return exchange.outcome === 'answered' ? { ...exchange, again: true } : exchange
}

function createPatience(caller: AbortSignal | undefined, msMax: number): Patience {
  const whole = AbortSignal.timeout(msMax)
  return {
    signal: caller ? anySignal(caller, whole) : whole,
    givenUp: () => caller?.aborted ?? false,
  }
}

const oddPath = 'The path is not written as it would be sent.'

/** What is signed has to be what is sent, at the host that was meant: a URL would mend dots and quotes by itself. */
function isPlainPath(origin: string, path: string): boolean {
  if (!URL.canParse(origin + path)) return false
  const url = new URL(origin + path)
  return url.origin === origin && url.pathname + url.search === path
}
