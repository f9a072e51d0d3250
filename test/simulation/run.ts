/** `npm run simulate -- --seeds 10000 [--seed 1] [--only sending]`: more histories than `npm test` has time for. */
import { parseArgs } from 'node:util'
import {
  type CrowdReport,
  describeFailure,
  openShared,
  playSeeds,
  startFleetingRedis,
  worlds,
} from './crowd.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
})
const [count, first] = [values.seeds, values.seed].map(readCount) as [number, number]

function readCount(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  console.error(`--seeds and --seed take a whole number from 1 on, and not ${text}.`)
  process.exit(2)
}

const only = worlds.filter((world) => values.only === undefined || values.only === world)
if (only.length === 0) {
  console.error(`--only takes ${worlds.join(' or ')}, and not ${values.only}.`)
  process.exit(2)
}

const server = await startFleetingRedis()
const redis = await openShared(server.url)
const startedAt = performance.now()
const seconds = () => (performance.now() - startedAt) / 1000
const perSecond = (seeds: number) => (seeds / seconds()).toFixed(1)

const report = await playSeeds(redis, { first, count, only }, ({ seeds }) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${seeds} of ${count} seeds, ${perSecond(seeds)}/s `)
})
if (process.stderr.isTTY) process.stderr.write('\n')
console.log(describeReport(report))
for (const failed of report.failed) {
  console.log(
    values['no-shrink']
      ? `Seed ${failed.seed} (${failed.world}) fails after ${report.seeds} seeds: ${(failed.error as Error).message.slice(0, 400)}`
      : await describeFailure(redis, failed),
  )
}
redis.disconnect()
await server.stop()
process.exit(report.failed.length === 0 ? 0 : 1)

function describeReport({ seeds, outcomes, ends, ...counts }: CrowdReport): string {
  return [
    `seeds       ${seeds} from ${first} on, in ${seconds().toFixed(1)} s: ${perSecond(seeds)}/s`,
    `operations  ${counts.operations}`,
    `steps       ${counts.steps}, of which ${counts.deaths} ended a process`,
    `compared    ${counts.effects} times with the model`,
    `checks      ${counts.checks}`,
    `callbacks   ${describeCounts(outcomes)}`,
    `sent        ${describeCounts(ends)}`,
    `failed      ${counts.failed.length}`,
  ].join('\n')
}

function describeCounts(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ')
}
