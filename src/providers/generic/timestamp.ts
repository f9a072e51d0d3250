import { parseTime } from '../../domain/time.ts'
import type { TimestampFormat } from './account.ts'

const secondsPattern = /^[1-9]\d{0,10}$/
const millisecondsPattern = /^[1-9]\d{11,13}$/

/** Milliseconds since the epoch. Eleven digits of seconds reach past the year 5000, twelve of milliseconds begin in 1973. */
export function readTimestamp(text: string, format?: TimestampFormat): number | undefined {
  switch (format) {
    case 'unix-seconds':
      return secondsPattern.test(text) ? Number(text) * 1000 : undefined
    case 'unix-milliseconds':
      return millisecondsPattern.test(text) ? Number(text) : undefined
    case 'rfc3339':
      return parseTime(text)
    case undefined:
      if (secondsPattern.test(text)) return Number(text) * 1000
      return millisecondsPattern.test(text) ? Number(text) : parseTime(text)
  }
}

export function isOutside(at: number, now: number, toleranceMs: number): boolean {
  return Math.abs(now - at) > toleranceMs
}
