/** What the watch does to its index, done to the model as well: told from the commands, and without their scripts. */
import type { IntentId } from '../../src/domain/ids.ts'
import { promoteCommand, takeCommand, watchCommand } from '../../src/store/scripts.ts'
import type { Command } from '../../src/store/together.ts'
import type { ModelSubject } from '../model/model-subject.ts'
import type { Effect } from './turnstile.ts'

type WatchModel = Pick<ModelSubject, 'rewatch' | 'watched'>

export function createWatching(
  model: WatchModel,
  compare: (ids: readonly IntentId[]) => Promise<void>,
): Effect {
  return async (commands, answers) => {
    const about: IntentId[] = []
    for (const [i, command] of commands.slice(0, answers.length).entries())
      about.push(...tell(model, command, answers[i]))
    if (about.length > 0) await compare([...new Set(about)])
  }
}

/** Says what it was about. */
function tell(model: WatchModel, [name, ...args]: Command, answer: unknown): IntentId[] {
  switch (name) {
    case promoteCommand: {
      const [, , until, ...rest] = args
      const all = chunk(rest, 3)
      for (const [id, seenAt] of all)
        if (model.watched().get(id as IntentId) === Number(seenAt))
          model.rewatch(id as IntentId, Number(until))
      return all.map(([id]) => id as IntentId)
    }
    case takeCommand: {
      for (const id of answer as IntentId[]) model.rewatch(id, Number(args[2]))
      return args.slice(3) as IntentId[]
    }
    case watchCommand:
      return tellMoves(model, args.slice(1))
    case 'zadd': {
      // Only what is watched, and only sooner.
      const all = chunk(args.slice(3), 2)
      for (const [at, id] of all)
        if (Number(at) < (model.watched().get(id as IntentId) ?? 0)) model.rewatch(id as IntentId, Number(at))
      return all.map(([, id]) => id as IntentId)
    }
    default:
      return []
  }
}

function tellMoves(model: WatchModel, args: readonly (string | number)[]): IntentId[] {
  const about: IntentId[] = []
  for (let i = 0; i < args.length; ) {
    const [id, to, count] = args.slice(i, i + 3)
    const seen = args.slice(i + 3, i + 3 + Number(count)).map(Number)
    const at = model.watched().get(id as IntentId)
    if (at !== undefined && seen.includes(at))
      model.rewatch(id as IntentId, to === '' ? undefined : Number(to))
    about.push(id as IntentId)
    i += 3 + Number(count)
  }
  return about
}

function chunk<Each>(all: readonly Each[], size: number): Each[][] {
  return Array.from({ length: all.length / size }, (_, i) => all.slice(i * size, (i + 1) * size))
}
