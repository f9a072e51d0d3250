/** Whether this process lives, and whether it can work. */
import { z } from 'zod'
import type { Operation } from './operation.ts'

const redisSchema = z.union([
  z.object({ state: z.literal('ok') }),
  z.object({ state: z.enum(['away', 'full']), reason: z.string() }),
  z.object({ state: z.literal('weak'), because: z.enum(['settings', 'replicas']), reason: z.string() }),
])

const healthSchema = z.object({ status: z.literal('ok'), redis: redisSchema })
const readinessSchema = z.object({ status: z.enum(['ready', 'not-ready']), redis: redisSchema })

export const statusOperations: readonly Operation[] = [
  {
    id: 'getHealth',
    method: 'get',
    path: '/healthz',
    tag: 'status',
    summary: 'Whether the process lives',
    answers: { 200: { description: 'It does', schema: healthSchema } },
  },
  {
    id: 'getReadiness',
    method: 'get',
    path: '/readyz',
    tag: 'status',
    summary: 'Whether the process can work',
    answers: {
      200: { description: 'It can', schema: readinessSchema },
      503: { description: 'It cannot: Redis is away, full, or set up to lose data', schema: readinessSchema },
    },
  },
  {
    id: 'getMetrics',
    method: 'get',
    path: '/metrics',
    tag: 'status',
    summary: 'Figures for a monitor',
    answers: { 200: { description: 'In the text format of Prometheus', contentType: 'text/plain' } },
  },
]
