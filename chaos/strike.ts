/** Carries out one strike and puts everything back; says how long it took until callbacks were acknowledged again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Load } from './load.ts'
import type { Strike } from './plan.ts'
import type { Receiver } from './receiver.ts'
import type { ChaosRedis } from './redis.ts'

export interface Target {
  receiver: Receiver
  redis: ChaosRedis
  load: Load
}

/** Anything that takes so long is stuck, whatever else the machine does. */
const stuckMs = 30_000

export async function carryOut(strike: Strike, target: Target): Promise<{ recoveryMs: number }> {
  await reachMoment(strike, target)
  const { load } = target
  load.struck()
  const startedAt = await strikeAndMend(strike, target)
  await waitFor('an acknowledgement after the strike', load.acks.more(1), target)
  return { recoveryMs: Math.round(performance.now() - startedAt) }
}

/** Both at once, and they stay away. */
export async function carryOutLast(strike: Strike, target: Target): Promise<void> {
  await reachMoment(strike, target)
  target.load.struck()
  await Promise.all([target.receiver.kill(), target.redis.kill()])
}

async function reachMoment({ afterAcks, delayMs }: Strike, target: Target): Promise<void> {
  await waitFor(`${afterAcks} acknowledgements`, target.load.acks.more(afterAcks), target)
  if (delayMs > 0) await sleep(delayMs)
}

/** When the mending began. */
async function strikeAndMend(strike: Strike, target: Target): Promise<number> {
  const { receiver, redis } = target
  const stayAway = beginAbsence(strike, target)
  switch (strike.kind) {
    case 'receiver': {
      await receiver.kill()
      return timed(() => receiver.start())
    }
    case 'redis': {
      await redis.kill()
      await stayAway()
      return timed(() => redis.start())
    }
    case 'both': {
      await Promise.all([receiver.kill(), redis.kill()])
      return timed(async () => {
        // A receiver that finds no Redis refuses to start, and says so; this one is started by somebody who knows.
        await redis.start()
        await receiver.start()
      })
    }
    case 'pause': {
      redis.pause()
      await stayAway()
      return timed(async () => redis.goOn())
    }
    case 'hang': {
      redis.pause()
      await stayAway()
      await redis.kill()
      return timed(() => redis.start())
    }
  }
}

/** The refusals are counted from the strike on. */
function beginAbsence({ refusals, awayMs }: Strike, target: Target): () => Promise<void> {
  const refused = target.load.refusals.more(refusals)
  return async () => {
    await waitFor(`${refusals} answers of 503`, refused, target)
    if (awayMs > 0) await sleep(awayMs)
  }
}

async function timed(mend: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await mend()
  return startedAt
}

async function waitFor(what: string, work: Promise<void>, { receiver, redis }: Target): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${stuckMs} ms for ${what}`)), stuckMs)
  })
  try {
    await Promise.race([work, receiver.broken, redis.broken, stuck])
  } finally {
    clearTimeout(timer)
  }
}
