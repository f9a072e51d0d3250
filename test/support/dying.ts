import type { Redis } from 'ioredis'

const isCommand = (name: string) => /^(tallyhook:|[sgz]|h|m|del)/.test(name)

/** A client that lets so many commands through, and none after: as that of a process that is killed there. */
export function dyingAfter(redis: Redis, commands: number): { client: Redis; sent: () => number } {
  let sent = 0
  const isDead = (count: number) => {
    sent += count
    return sent > commands
  }
  const killed = () => Promise.reject(new Error('killed'))
  const client = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'pipeline')
        return (list: unknown[][]) =>
          isDead(list.length) ? { exec: killed } : target.pipeline(list as Parameters<Redis['pipeline']>[0])
      if (!isCommand(String(name))) return value.bind(target)
      return (...args: unknown[]) => (isDead(1) ? killed() : Reflect.apply(value, target, args))
    },
  })
  return { client, sent: () => sent }
}
