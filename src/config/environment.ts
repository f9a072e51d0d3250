/**
 * The environment's part of the configuration. `.env.example` shows the same variables; a test keeps the two equal.
 * Blank means unset.
 */
import { z } from 'zod'
import { invalidConfiguration } from './invalid.ts'
import { parseRedisUrl } from './redis-url.ts'

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'It must be a port number; 0 picks a free one.')
  .transform(Number)
  .pipe(z.number().max(65_535, 'It must be a port number; 0 picks a free one.'))

const redisAddress = z.string().transform((text, context) => {
  const parsed = parseRedisUrl(text)
  if (parsed.outcome === 'parsed') return parsed.address
  context.issues.push({ code: 'custom', message: parsed.sentence, input: undefined })
  return z.NEVER
})

export const environmentSchema = z.object({
  TALLYHOOK_CONFIG: z.string().optional(),
  REDIS_URL: redisAddress.optional(),
  CALLBACK_PORT: port.default(8080),
  API_PORT: port.default(8081),
  METRICS_PORT: port.optional(),
  HOST: z.string().default('127.0.0.1'),
  TALLYHOOK_DATA_DIR: z.string().default('.tallyhook'),
  LOG_LEVEL: z
    .enum(['error', 'warn', 'info', 'debug'], 'It must be error, warn, info or debug.')
    .default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty'], 'It must be json or pretty.').optional(),
})
export type Environment = z.output<typeof environmentSchema>

export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const parsed = environmentSchema.safeParse(set)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalidConfiguration(String(issue?.path[0] ?? 'environment'), issue?.message ?? 'It is not valid.')
}
