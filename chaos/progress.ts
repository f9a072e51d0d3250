/** Where a campaign stands, written after each round, so that it goes on where it ended. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { strikeKinds } from './plan.ts'
import type { Totals } from './totals.ts'

const count = z.int().min(0)
const byKind = z.partialRecord(z.enum(strikeKinds), count)
const totals = z.strictObject({
  rounds: count,
  acknowledged: count,
  queued: count,
  repeats: count,
  forged: count,
  lost: count,
  faults: count,
  answers: z.record(z.string(), count),
  strikes: byKind,
  recoveryMsMax: byKind,
}) satisfies z.ZodType<Totals>

const progressSchema = z.strictObject({
  v: z.literal(1),
  seed: z.string().min(1),
  totals,
  /** Each failed round in words, with its seed. */
  failures: z.array(z.string()),
})
export type Progress = z.output<typeof progressSchema>

/** Undefined where no campaign has begun. */
export function readProgress(file: string): Progress | undefined {
  if (!existsSync(file)) return undefined
  const parsed = progressSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.data
  throw new Error(`${file} is not of this version; begin anew with --fresh.`)
}

/** Under another name first, so that a campaign that is ended while it writes keeps what it had. */
export function writeProgress(file: string, progress: Progress): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(progress, null, 2)}\n`)
  renameSync(draft, file)
}
