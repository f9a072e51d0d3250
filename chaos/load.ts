/**
 * Providers' load: connections that each send one callback after another, and send it again, the same bytes, until it is
 * answered 2xx. It keeps what was acknowledged, and every answer that a provider should never have had.
 */
import { Agent } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMilestones } from './milestones.ts'
import { type PostOutcome, post } from './post.ts'
import { type Callback, callbackPath, forge } from './provider.ts'
import type { Stock } from './stock.ts'
import type { Moment } from './verdict.ts'

export interface LoadDeps {
  origin(): Promise<string>
  stock: Stock<Callback>
  /** The receiver answers within this time, or 503. */
  budgetMs: number
}

const connections = 32

/** Every so many callbacks a forged one is sent first. */
const forgedEvery = 20

/** A provider waits for longer; so short a time keeps a receiver that answers 503 busy. */
const retryMs = 25

/** What the machine may add to the receiver's own time, beside what it took from ours: it is shared by all of this. */
const allowanceMs = 1_000

/** Much longer than any answer may take. */
const silentMs = 10_000

/** Anything else that is not 200 loses a callback at providers that give up then. */
const tryAgainStatuses = [503, 408]
const forgedStatuses = [401, 429, 503, 408]

export type Load = ReturnType<typeof startLoad>

export function startLoad({ origin, stock, budgetMs }: LoadDeps) {
  const startedAt = performance.now()
  const ownDelay = monitorEventLoopDelay()
  ownDelay.enable()
  const acknowledged = new Map<string, Moment>()
  const genuine = new Set<string>()
  const forged = new Set<string>()
  const answers: Record<string, number> = {}
  const faults: string[] = []
  const acks = createMilestones()
  const refusals = createMilestones()
  let strikes = 0
  let stopped = false
  let sent = 0
  let endWaiting = () => {}
  const stopping = new Promise<undefined>((resolve) => {
    endWaiting = () => resolve(undefined)
  })

  /** Undefined when the round ends before there is somebody to send it to. */
  async function send(callback: Callback, agent: Agent): Promise<PostOutcome | undefined> {
    const url = await Promise.race([origin(), stopping])
    if (url === undefined) return undefined
    const answer = await post(`${url}${callbackPath}`, callback, agent, silentMs)
    const name = answer.outcome === 'answered' ? String(answer.status) : answer.outcome
    answers[name] = (answers[name] ?? 0) + 1
    if (name === '503') refusals.add()
    return answer
  }

  function blame(callback: Callback, what: string): void {
    faults.push(`${what} (digest ${callback.digest}, after strike ${strikes})`)
  }

  /** True when it is not sent again. */
  function settle(callback: Callback, answer: PostOutcome): boolean {
    if (answer.outcome === 'silent') blame(callback, `a genuine callback had no answer in ${silentMs} ms`)
    if (answer.outcome !== 'answered') return false
    const { status, ms } = answer
    if (status !== 200) {
      const refused = !tryAgainStatuses.includes(status)
      if (refused) blame(callback, `a genuine callback was answered ${status}`)
      return refused
    }
    if (ms > budgetMs + allowanceMs + ownDelay.max / 1e6)
      blame(callback, `200 came after ${Math.round(ms)} ms`)
    acknowledged.set(callback.digest, { ms: Math.round(performance.now() - startedAt), strikes })
    acks.add()
    return true
  }

  async function sendForged(callback: Callback, agent: Agent): Promise<void> {
    forged.add(callback.digest)
    const answer = await send(callback, agent)
    if (answer?.outcome !== 'answered' || forgedStatuses.includes(answer.status)) return
    blame(callback, `a forged callback was answered ${answer.status}`)
  }

  async function drive(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!stopped) {
      const callback = await stock.take()
      genuine.add(callback.digest)
      if (++sent % forgedEvery === 0) await sendForged(forge(callback), agent)
      while (!stopped) {
        const answer = await send(callback, agent)
        if (!answer || settle(callback, answer)) break
        await sleep(retryMs)
      }
    }
    agent.destroy()
  }

  const drivers = Promise.all(Array.from({ length: connections }, drive))

  return {
    acknowledged,
    genuine,
    forged,
    answers,
    faults,
    acks,
    refusals,
    /** From here on, what is acknowledged is said to have been so after one strike more. */
    struck: () => void strikes++,
    /** Once the receiver is gone, so that nothing is under way any more. */
    async stop(): Promise<void> {
      stopped = true
      endWaiting()
      await drivers
      ownDelay.disable()
    },
  }
}
