/** What every account has about calling its provider: whether anything is sent, how often it is asked, within what limits. */
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'

export const watchSchema = z.strictObject({
  /** After it was sent, or registered, and before the first question. */
  firstAfterSeconds: z.int().min(1).max(86_400).optional(),
  /** Between two questions at least; they become rarer with age. */
  everySeconds: z.int().min(1).max(86_400).optional(),
  overdueAfterMinutes: z.int().min(1).max(525_600).optional(),
  /** Then a person is told, and it is asked about once a day. */
  giveUpAfterDays: z.int().min(1).max(365).optional(),
})

export const callsSchema = z.strictObject({
  /** All of Tallyhook's processes together. */
  perSecond: z.int().min(1).max(10_000).optional(),
  timeoutSeconds: z.int().min(1).max(120).default(15),
})

export const sendingFields = {
  /** `paused`: nothing is sent out for this account; it is asked and answered all the same. */
  submissions: z.enum(['enabled', 'paused']).default('enabled'),
  watch: watchSchema.prefault({}),
  calls: callsSchema.prefault({}),
}

type SendingFile = z.output<z.ZodObject<typeof sendingFields>>

export interface WatchSettings {
  firstMs: number
  everyMs: number
  overdueMs: number
  giveUpMs: number
}

export interface SendingSettings {
  paused: boolean
  watch: WatchSettings
  calls: { perSecond?: number | undefined; timeoutMs: number }
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Where an account says nothing; providers have others. */
export const usualWatch: WatchSettings = {
  firstMs: 30_000,
  everyMs: minuteMs,
  overdueMs: 60 * minuteMs,
  giveUpMs: 7 * dayMs,
}

export function resolveSending(
  file: SendingFile,
  path: string,
  usual: WatchSettings = usualWatch,
): SendingSettings {
  const { firstAfterSeconds, everySeconds, overdueAfterMinutes, giveUpAfterDays } = file.watch
  const watch: WatchSettings = {
    firstMs: scale(firstAfterSeconds, 1000) ?? usual.firstMs,
    everyMs: scale(everySeconds, 1000) ?? usual.everyMs,
    overdueMs: scale(overdueAfterMinutes, minuteMs) ?? usual.overdueMs,
    giveUpMs: scale(giveUpAfterDays, dayMs) ?? usual.giveUpMs,
  }
  if (watch.giveUpMs < watch.overdueMs)
    throw invalidConfiguration(
      `${path}.watch.giveUpAfterDays`,
      'It is less than the time after which something is overdue.',
    )
  const { perSecond, timeoutSeconds } = file.calls
  return {
    paused: file.submissions === 'paused',
    watch,
    calls: { perSecond, timeoutMs: timeoutSeconds * 1000 },
  }
}

function scale(count: number | undefined, ms: number): number | undefined {
  return count === undefined ? undefined : count * ms
}
