import type { LogFields, Logger } from '../../src/telemetry/logger.ts'

export interface LogLine {
  level: string
  event: string
  fields: LogFields
}

/** Keeps what was logged, for tests that ask what was said and what was not. */
export function createMemoryLogger(): Logger & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const make = (bound: LogFields): Logger & { lines: LogLine[] } => {
    const at =
      (level: string) =>
      (event: string, fields: LogFields = {}) =>
        void lines.push({ level, event, fields: { ...bound, ...fields } })
    return {
      error: at('error'),
      warn: at('warn'),
      info: at('info'),
      debug: at('debug'),
      isOn: () => true,
      with: (fields) => make({ ...bound, ...fields }),
      lines,
    }
  }
  return make({})
}
