/**
 * Callbacks as WeChat Pay makes them: the same notice each time, signed anew each time it is sent, sent again where it was
 * not acknowledged; and everything that may go wrong with it on the way, as the fate of what it is about has it.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Logger } from '../../telemetry/logger.ts'
import { type Courier, createCourier } from '../courier.ts'
import type { Fate } from '../fates.ts'
import type { SignedCallback } from '../signed-callback.ts'
import { describeEvent, encryptResource } from '../wechatpay-signer.ts'
import { makeRequestId, signatureHeaders } from './answer.ts'
import type { Platform } from './platform.ts'

export interface Notice {
  eventType: string
  originalType: string
  summary: string
  /** What is encrypted. */
  resource: Record<string, unknown>
}

export interface Callbacks {
  /** Ends when the first sending has been answered; further ones are made later. */
  send(notice: Notice, fate: Fate): Promise<void>
  later: Courier['later']
  stop: Courier['stop']
}

export interface CallbacksDeps {
  callbackUrl: string
  callbacksOn: () => boolean
  apiV3Key: Uint8Array
  platform: Platform
  clock: () => number
  fetch: typeof fetch
  logger: Logger
  /** Between one sending and the next, where the receiver does not acknowledge. */
  retryMs?: readonly number[] | undefined
}

/** Each minute, nine times in all. */
const documentedRetryMs: readonly number[] = Array.from({ length: 8 }, () => 60_000)
const answerMsMax = 5_000
const staleMs = 3600_000
const repeats = 2

const flaws = ['signtest', 'wrong-signature', 'stale'] as const
type Flaw = (typeof flaws)[number]

export function createCallbacks(deps: CallbacksDeps): Callbacks {
  const { platform, clock, retryMs = documentedRetryMs } = deps
  const common = { ...deps, timeoutMs: answerMsMax, isTaken: isAcknowledged }
  const courier = createCourier({ ...common, retryMs })
  // What is wrong on purpose is not sent again; the right one follows it.
  const once = createCourier({ ...common, retryMs: [] })

  function signed(body: string, fate: Fate, flaw?: Flaw): SignedCallback {
    const pair = platform.callbackSigner(fate.random('callback-key'))
    const key = flaw === 'wrong-signature' ? { ...pair, privateKey: strangersKey() } : pair
    const now = clock() - (flaw === 'stale' ? staleMs : 0)
    const headers = signatureHeaders(Buffer.from(body), { key, now, probe: flaw === 'signtest' })
    return {
      headers: { ...headers, 'content-type': 'application/json', 'request-id': makeRequestId() },
      body,
    }
  }

  function describe(notice: Notice): string {
    const resource = encryptResource(JSON.stringify(notice.resource), deps.apiV3Key, notice.originalType)
    return describeEvent({ ...notice, at: clock(), resource })
  }

  return {
    later: courier.later,
    async send(notice, fate) {
      if (fate.has('lost-callback')) return
      const body = describe(notice)
      for (const flaw of flaws) if (fate.has(flaw)) await once.deliver(() => signed(body, fate, flaw))
      const deliver = () => courier.deliver(() => signed(body, fate))
      const copies = fate.has('concurrent-repeats') ? 1 + repeats : 1
      await Promise.all(Array.from({ length: copies }, deliver))
      for (let i = 0; fate.has('repeated') && i < repeats; i++) await deliver()
    },
    stop() {
      once.stop()
      courier.stop()
    },
  }
}

function isAcknowledged(status: number): boolean {
  return status === 200 || status === 204
}

let stranger: KeyObject | undefined

/** A key that nobody knows; made once, since it takes a while. */
function strangersKey(): KeyObject {
  stranger ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return stranger
}
