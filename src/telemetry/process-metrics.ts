/** Which program this is, how it finds Redis, and what it did. */
import { Gauge, type Registry } from 'prom-client'
import type { ProcessFigures } from './process-figures.ts'

export const redisStates = ['ok', 'full', 'weak', 'away'] as const

export interface ProcessDeps {
  role: string
  version: string
  figures: ProcessFigures
  redis: {
    state(): { state: (typeof redisStates)[number] }
    /** Of a cluster, that of the fullest master. */
    memory(): { usedBytes: number; maxBytes: number } | undefined
  }
}

export function showProcess(registry: Registry, { role, version, figures, redis }: ProcessDeps): void {
  const registers = [registry]
  new Gauge({
    name: 'tallyhook_build_info',
    help: 'One; its labels say what runs here.',
    labelNames: ['version', 'node', 'role'],
    registers,
  }).set({ version, node: process.version, role }, 1)
  new Gauge({
    name: 'tallyhook_redis_state',
    help: 'One for the state that this process finds Redis in, zero for the others.',
    labelNames: ['state'],
    registers,
    collect() {
      const now = redis.state().state
      for (const state of redisStates) this.set({ state }, state === now ? 1 : 0)
    },
  })
  const memory = (
    name: string,
    help: string,
    read: (use: { usedBytes: number; maxBytes: number }) => number,
  ) =>
    new Gauge({
      name: `tallyhook_redis_memory_${name}`,
      help,
      registers,
      collect() {
        const use = redis.memory()
        if (use) this.set(read(use))
        else this.remove()
      },
    })
  memory('used_bytes', 'What Redis uses of its maxmemory.', ({ usedBytes }) => usedBytes)
  memory('max_bytes', 'The maxmemory of Redis.', ({ maxBytes }) => maxBytes)
  figures.show(registry)
}
