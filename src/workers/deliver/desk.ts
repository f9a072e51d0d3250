/**
 * Keeps how each endpoint fares, for this process: what it learns counts here at once, and is written for the others when
 * it changes something. What cannot be written is let go of; it is learned again.
 */
import {
  type BreakerState,
  breakerAt,
  type EndpointHealth,
  type HealthChange,
  type HealthNews,
  healthy,
  heed,
  isGivenUp,
} from '../../domain/endpoint-health.ts'
import type { SubscriptionId } from '../../domain/ids.ts'
import type { Endpoints } from '../../store/endpoints.ts'
import type { Logger } from '../../telemetry/logger.ts'

export interface Desk {
  /** As it stands; read anew where what is known is older than a second. */
  look(id: SubscriptionId): Promise<BreakerState>
  /** As it is known. */
  state(id: SubscriptionId): BreakerState
  openUntil(id: SubscriptionId): number | undefined
  /** May one event be sent now? Where a breaker's time has run out, one of all who ask may. */
  permit(id: SubscriptionId): boolean | Promise<boolean>
  note(id: SubscriptionId, news: HealthNews): void
  /** What was noted is written. */
  written(): Promise<void>
}

export interface DeskDeps {
  endpoints: Endpoints
  clock: () => number
  random: () => number
  /** How long a probe may take. */
  probeMs: number
  disableAfterMs: number
  /** It takes again. */
  onClosed(id: SubscriptionId): void
  /** It has taken nothing for so long that it is to be disabled. */
  onGivenUp(id: SubscriptionId): Promise<void>
  logger: Logger
}

interface Entry {
  health: EndpointHealth
  readAt: number
  unwritten: HealthNews[]
  writing?: Promise<void> | undefined
  /** It is being asked who may try. */
  asking?: boolean
}

const freshMs = 1_000

export function createDesk(deps: DeskDeps): Desk {
  const { endpoints, clock, random, probeMs, logger } = deps
  const entries = new Map<SubscriptionId, Entry>()

  function entryOf(id: SubscriptionId): Entry {
    const known = entries.get(id)
    if (known) return known
    const entry: Entry = { health: healthy, readAt: Number.NEGATIVE_INFINITY, unwritten: [] }
    entries.set(id, entry)
    return entry
  }

  const stateOf = ({ health }: Entry) => breakerAt(health, clock())

  async function refresh(id: SubscriptionId, entry: Entry): Promise<void> {
    const at = clock()
    const found = await endpoints.find(id)
    entry.readAt = at
    // What is still to be written is newer.
    if (!entry.writing) entry.health = found ?? healthy
  }

  async function write(id: SubscriptionId, entry: Entry): Promise<void> {
    while (entry.unwritten.length > 0) {
      const news = entry.unwritten.splice(0)
      let changes: HealthChange[] = []
      let after: EndpointHealth = healthy
      await endpoints.change(id, (before) => {
        const heard = hear(before ?? healthy, news, random)
        changes = heard.changes
        after = heard.after
        return heard.worthWriting ? after : undefined
      })
      entry.health = hear(after, entry.unwritten, random).after
      for (const change of changes) tell(id, change, entry.health)
      if (isGivenUp(after, clock(), deps.disableAfterMs)) await deps.onGivenUp(id)
    }
  }

  function tell(
    id: SubscriptionId,
    change: HealthChange,
    { openUntil, failures, lastFailure }: EndpointHealth,
  ) {
    if (change === 'closed') {
      logger.info('delivery.breaker-closed', { subscription: id })
      deps.onClosed(id)
    } else if (change === 'opened') {
      const { status, error } = lastFailure ?? {}
      logger.warn('delivery.breaker-opened', { subscription: id, failures, openUntil, status, error })
    }
  }

  /** Of those who ask at the same moment, in whatever process, one. */
  async function takeProbe(id: SubscriptionId, entry: Entry): Promise<boolean> {
    await entry.writing
    let seen: EndpointHealth = healthy
    const outcome = await endpoints.change(id, (before = healthy) => {
      seen = before
      return breakerAt(before, clock()) === 'half-open'
        ? { ...before, probeUntil: clock() + probeMs }
        : undefined
    })
    entry.health = outcome === 'written' ? { ...seen, probeUntil: clock() + probeMs } : seen
    return outcome === 'written' || stateOf(entry) === 'closed'
  }

  return {
    async look(id) {
      const entry = entryOf(id)
      // Also where the clock was set back.
      if (Math.abs(clock() - entry.readAt) >= freshMs) await refresh(id, entry)
      return stateOf(entry)
    },
    state: (id) => stateOf(entryOf(id)),
    // Who is held while another tries may go as soon as that one got through.
    openUntil: (id) => entryOf(id).health.openUntil,
    permit(id) {
      const entry = entryOf(id)
      const state = stateOf(entry)
      if (state !== 'half-open') return state === 'closed'
      if (entry.asking) return false
      entry.asking = true
      return takeProbe(id, entry)
        .catch(() => false)
        .finally(() => {
          entry.asking = false
        })
    },
    note(id, news) {
      const entry = entryOf(id)
      const heard = heed(entry.health, news, random)
      if (!heard) return
      entry.health = heard.after
      entry.unwritten.push(news)
      entry.writing ??= write(id, entry)
        .catch((error) => logger.warn('delivery.health-not-written', { subscription: id, error }))
        .finally(() => {
          entry.writing = undefined
        })
    },
    async written() {
      await Promise.all([...entries.values()].map(({ writing }) => writing))
    },
  }
}

function hear(before: EndpointHealth, all: readonly HealthNews[], random: () => number) {
  let after = before
  const changes: HealthChange[] = []
  for (const news of all) {
    const heard = heed(after, news, random)
    if (!heard) continue
    after = heard.after
    changes.push(heard.change)
  }
  return { after, changes, worthWriting: changes.length > 0 }
}
