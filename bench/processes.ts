/** The processes of a benchmark: asked over their channel, and what they and Redis have used of the processor. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'

/** `file` as it lies beside this one, compiled. */
export function start(file: string, execArgv: string[] = []): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

export async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

export function ask<Answer>(child: ChildProcess, question: object | string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('A process of the benchmark has ended.'))
    child.once('exit', onExit).once('message', (answer) => {
      child.off('exit', onExit)
      resolve(answer as Answer)
    })
    child.send(question)
  })
}

export async function cpuUsOf(child: ChildProcess): Promise<number> {
  return (await ask<{ cpuUs: number }>(child, 'cpu')).cpuUs
}

const restMs = 250
const looksMax = 80

/** Until it does next to nothing: what is measured is not what it was busy with before. */
export async function untilRested(child: ChildProcess): Promise<void> {
  for (let [used, looks] = [await cpuUsOf(child), 0]; looks < looksMax; looks++) {
    await sleep(restMs)
    const now = await cpuUsOf(child)
    if (now - used < (restMs * 1000) / 20) return
    used = now
  }
}

export async function redisCpuUs(admin: Redis): Promise<number> {
  const info = await admin.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}

/** What a process answers when it is asked for its share. */
export function tellCpu(): void {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuUs: user + system })
}
