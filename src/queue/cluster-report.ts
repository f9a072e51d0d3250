/**
 * A cluster is as good as the worst of its masters: the queue is on one of them, the partitions are on all, and a callback
 * whose transfer cannot be reached is not worth taking. Every master that serves slots is asked at each look, so a
 * failover or a move of slots is seen at the next.
 */
import type { Cluster, Redis } from 'ioredis'
import type { DurabilityPolicy, MemoryUse } from './durability.ts'
import { type NodeReport, type RedisState, reportOn } from './node-report.ts'

export const slotCount = 16_384

const badness: Record<RedisState['state'], number> = { away: 3, weak: 2, full: 1, ok: 0 }

export async function reportOnCluster(cluster: Cluster, policy: DurabilityPolicy): Promise<NodeReport> {
  const nodes = new Map(cluster.nodes('master').map((node) => [nameOf(node), node]))
  const answers = await Promise.all([...nodes].map(([name, node]) => ask(node, name, policy)))
  const ranges = answers.find(({ ranges }) => ranges.length > 0)?.ranges ?? []
  const known = [...new Set(ranges.map(({ master }) => master))]
  const reports: NodeReport[] = [
    // A node that serves nothing any more is of no interest, in whatever state it is.
    ...answers.filter(({ name }) => known.length === 0 || known.includes(name)).map(({ report }) => report),
    ...known.filter((name) => !nodes.has(name)).map((name) => away(`Redis ${name} does not answer.`)),
  ]
  if (countSlots(ranges) < slotCount && reports.every(({ state }) => state.state !== 'away')) {
    reports.push(away(`The cluster serves ${countSlots(ranges)} of its ${slotCount} slots.`))
  }
  return findWorst(reports)
}

interface Answer {
  name: string
  report: NodeReport
  ranges: SlotRange[]
}

async function ask(node: Redis, name: string, policy: DurabilityPolicy): Promise<Answer> {
  try {
    const [report, info, slots] = await Promise.all([
      reportOn(node, policy, { name, inCluster: true }),
      node.cluster('INFO'),
      node.cluster('SLOTS'),
    ])
    const healthy = /^cluster_state:ok/m.test(String(info))
    return {
      name,
      report: healthy ? report : away(`Redis ${name} says that the cluster is down.`),
      ranges: healthy ? readSlots(slots) : [],
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : 'It does not answer.'
    return { name, report: away(`Redis ${name}: ${said}`), ranges: [] }
  }
}

export interface SlotRange {
  from: number
  to: number
  master: string
}

/** CLUSTER SLOTS: `[from, to, [host, port, id, …], replicas…]` each. */
export function readSlots(answer: unknown): SlotRange[] {
  if (!Array.isArray(answer)) return []
  return answer.map(([from, to, [host, port]]: [number, number, [string, number]]) => ({
    from,
    to,
    master: `${host}:${port}`,
  }))
}

export function countSlots(ranges: readonly SlotRange[]): number {
  return ranges.reduce((count, { from, to }) => count + to - from + 1, 0)
}

/** The first of the worst speaks for all; what the policy allows is said of every node. */
export function findWorst(reports: readonly NodeReport[]): NodeReport {
  const [worst] = [...reports].sort((a, b) => badness[b.state.state] - badness[a.state.state])
  const allowed = reports.flatMap((report) => report.allowed ?? []).join(' ')
  const memory = findFullest(reports.flatMap((report) => report.memory ?? []))
  return {
    state: worst?.state ?? away('No master is known.').state,
    ...(allowed && { allowed }),
    ...(memory && { memory }),
  }
}

function findFullest(uses: readonly MemoryUse[]): MemoryUse | undefined {
  const share = ({ usedBytes, maxBytes }: MemoryUse) => usedBytes / Math.max(maxBytes, 1)
  return [...uses].sort((a, b) => share(b) - share(a))[0]
}

function away(reason: string): NodeReport {
  return { state: { state: 'away', reason } }
}

function nameOf({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}
