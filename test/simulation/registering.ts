/**
 * A batch is registered in many steps, and what each of them writes is the store's own business. So the model is not told what a
 * step means but what it wrote: records, claims and pointers, and what became ready with them.
 */
import type { IntentEvent } from '../../src/domain/event.ts'
import type { BatchId, IntentId } from '../../src/domain/ids.ts'
import type { Intent } from '../../src/domain/intent.ts'
import { decodeStored } from '../../src/store/codec/codec.ts'
import type { Target } from '../../src/store/intents.ts'
import type { Keys } from '../../src/store/keys.ts'
import type { Command } from '../../src/store/together.ts'
import type { createModelSubject } from '../model/model-subject.ts'
import { readCall } from './read-call.ts'

export interface Mirror {
  /** What a step that was written did; says what it is about. */
  tell(command: Command): Promise<Target[]>
}

export interface MirrorDeps {
  keys: Keys
  model: ReturnType<typeof createModelSubject>
  /** Whatever may be registered, and the names that may lead to it. */
  targets: readonly Target[]
  batch: BatchId
  /** As it was written. */
  eventOf(intent: Intent): IntentEvent
}

export function createMirror({ keys, model, targets, batch, eventOf }: MirrorDeps): Mirror {
  const byKey = new Map(targets.map((target) => [keys.intent(target), target]))

  async function set(target: Target, text: string): Promise<void> {
    const stored = decodeStored(target as IntentId, text)
    if (stored.form === 'claim') await model.claim(target, stored.by)
    else {
      await model.unclaim(target)
      if (stored.form === 'pointer') await model.lead(target as never, stored.to)
      else if (stored.form === 'record') {
        const [look] = await model.look([stored.intent.id])
        const totals = look?.totals && { totals: look.totals.totals }
        await model.register({ ...eventOf(stored.intent), ...totals } as IntentEvent<never>)
      }
    }
  }

  return {
    async tell(command) {
      const about: Target[] = []
      for (const { name, key, args } of readCall(command).flatMap(({ writes }) => writes)) {
        // A record is kept with the place of its last event, which the model has no use for.
        const [verb, ...rest] = name === 'keep' ? ['SET', ...args] : args
        if (name !== 'do' && name !== 'keep') continue
        const target = byKey.get(key)
        if (target && (verb === 'SET' || verb === 'DEL')) about.push(target)
        if (target && verb === 'SET') await set(target, rest[0] ?? '')
        if (target && verb === 'DEL') await model.unclaim(target)
        if (key === keys.totals(batch) && verb === 'HSET' && rest[0] === 'count')
          await model.beginTotals(batch, Number(rest[1]))
        if (key === keys.dueBatches(keys.partitionOf(batch)) && verb === 'SADD') await model.makeDue(batch)
      }
      return about
    },
  }
}
