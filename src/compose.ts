/**
 * With the folder of its name the only place that knows every concrete part. It builds what one role needs, in the order
 * in which things depend on each other, and hands each part to the lifecycle, which stops them in reverse.
 */
import { type ComposeDeps, openBase } from './compose/base.ts'
import { startMonitor } from './compose/metrics.ts'
import { startProviders } from './compose/providers.ts'
import { openPublished } from './compose/published.ts'
import { openSandboxMode, type SandboxRunning } from './compose/sandbox.ts'
import { type Served, startServe } from './compose/serve.ts'
import { startWork } from './compose/work.ts'

export const roles = ['all', 'serve', 'work'] as const
export type Role = (typeof roles)[number]

export interface Running extends Partial<Served> {
  /** Where it was asked for. */
  metricsUrl?: string | undefined
  sandbox?: SandboxRunning | undefined
}

export async function compose(role: Role, deps: ComposeDeps): Promise<Running> {
  const startSandbox = role === 'all' ? openSandboxMode(deps) : undefined
  const base = await openBase(deps, role)
  await startProviders(base.providers, deps.lifecycle)
  const metricsUrl = await startMonitor(deps, base)
  // One for both roles: each event is made once in a process.
  const published = await openPublished(base, deps.lifecycle)
  if (role !== 'serve') await startWork(deps, base, published)
  if (role === 'work') return { metricsUrl }
  const served = await startServe(deps, base, published)
  if (role === 'serve') return { ...served, metricsUrl }
  return { ...served, metricsUrl, sandbox: await startSandbox?.(served) }
}
