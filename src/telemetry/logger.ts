import winston from 'winston'

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'
export type LogFields = Record<string, unknown>

/** What the rest of the code needs of a logger. The event is past tense and dotted: `callback.received`. */
export interface Logger {
  error(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  debug(event: string, fields?: LogFields): void
  /** Asked before the fields of a line are gathered that comes with every callback. */
  isOn(level: LogLevel): boolean
  /** A logger that adds these ids to each of its lines. */
  with(fields: LogFields): Logger
}

export interface LoggerOptions {
  level: LogLevel
  format: 'json' | 'pretty'
}

export function createLogger({ level, format }: LoggerOptions): Logger {
  return wrap(
    winston.createLogger({
      level,
      format: format === 'pretty' ? pretty : json,
      transports: [new winston.transports.Console({ stderrLevels: [] })],
      exitOnError: false,
    }),
  )
}

export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  isOn: () => false,
  with: () => silentLogger,
}

const json = winston.format.printf(({ level, message, ...fields }) =>
  JSON.stringify({ time: new Date().toISOString(), level, event: message, ...fields }),
)

const colours: Record<string, string> = {
  error: '\x1b[31m',
  warn: '\x1b[33m',
  info: '\x1b[32m',
  debug: '\x1b[2m',
}

const pretty = winston.format.printf(({ level, message, ...fields }) => {
  const time = new Date().toISOString().slice(11, 23)
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined)
  const rest = shown.map(([key, value]) => `${key}=${asText(value)}`)
  return `\x1b[2m${time}\x1b[0m ${colours[level] ?? ''}${level.padEnd(5)}\x1b[0m ${message}  ${rest.join(' ')}`
})

function asText(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : (JSON.stringify(value) ?? 'undefined')
}

function wrap(target: winston.Logger): Logger {
  const isOn = (level: LogLevel) => ranks[level] <= ranks[target.level as LogLevel]
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    // Winston would send a line that is off through its streams before it is dropped.
    if (isOn(level)) target.log(level, event, describeErrors(fields))
  }
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    isOn,
    with: (fields) => wrap(target.child(fields)),
  }
}

const ranks: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 }

/** An Error prints as `{}`. What it says and its cause are kept; its own properties, which may hold a command's data, are not. */
function describeErrors(fields: LogFields | undefined): LogFields | undefined {
  if (!fields || !(fields.error instanceof Error)) return fields
  const { error, ...rest } = fields
  return {
    ...rest,
    error: describe(error as Error),
    stack: (error as Error).stack?.split('\n').slice(1, 6).join(' '),
  }
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? ` <- ${describe(error.cause)}` : ''
  return `${error.message || error.name}${cause}`
}
