/**
 * The log as others see it, with its newest end in memory. On a connection of its own: who replays from the start reads
 * megabytes, and others must not stand behind that.
 */
import { createTail, type Tail } from '../events/tail.ts'
import { createEventLog, type EventLog } from '../store/event-log.ts'
import { createVault } from '../store/vault.ts'
import { createWake } from '../store/wake.ts'
import type { Lifecycle } from '../telemetry/lifecycle.ts'
import { type Base, clock, open } from './base.ts'

export interface Published {
  tail: Tail
  log: EventLog
}

export async function openPublished(base: Base, lifecycle: Lifecycle): Promise<Published> {
  const { keys, keyring, persons } = base
  const redis = await open(base, lifecycle, 'fail-fast', 'events')
  const wake = createWake({ client: base.connect('wait', 'wake'), channel: keys.wakeChannel })
  lifecycle.add({ name: 'wake', stop: () => wake.stop() })
  await wake.start()
  const log = createEventLog({ redis, keys })
  const { openAllSecrets } = createVault({ redis, keys, sealer: keyring, persons })
  const tail = createTail({ log, openAllSecrets, listen: wake.listen, clock })
  tail.start()
  lifecycle.add({ name: 'tail', stop: () => tail.stop() })
  return { tail, log }
}
