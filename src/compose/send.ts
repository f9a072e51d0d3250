/** How events leave: the one place at which the deliveries and the API's test call get it from. */
import type { Config } from '../config/config.ts'
import type { Resolve } from '../outbound/connector.ts'
import { createPoster } from '../outbound/post.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'
import { createSend, type Send } from '../workers/deliver/send.ts'
import { createSign } from '../workers/deliver/sign.ts'
import { readVersion } from './version.ts'

interface SenderDeps {
  config: Pick<Config, 'outbound' | 'deliveries'>
  lifecycle: Lifecycle
  clock: () => number
  resolve?: Resolve
}

/** Its connections are closed with the lifecycle; add it before what sends, so that it is stopped after. */
export function createSender({ config, lifecycle, clock, resolve }: SenderDeps): Send {
  const { post, close } = createPoster({
    ...config.outbound,
    timeoutMs: config.deliveries.timeoutMs,
    clock,
    ...(resolve && { resolve }),
  })
  lifecycle.add({ name: 'sender', stop: async () => close() })
  return createSend({ post, sign: createSign(), clock, version: readVersion() })
}
