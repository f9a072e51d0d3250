/** Figures that are counted elsewhere, by whoever has them, and shown when a monitor asks: the package's own are counted as they are shown. */
import { Counter, Histogram, type Registry } from 'prom-client'

export interface Counted {
  labels: Record<string, string>
  count: number
}

export function showCounter(
  registry: Registry,
  { name, help, labelNames }: { name: string; help: string; labelNames: readonly string[] },
  read: () => Iterable<Counted>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, count } of read()) this.inc(labels, count)
    },
  })
}

export interface CountedDurations {
  labels: Record<string, string>
  /** By upper bound; one more count than there are bounds. Each is in one of them. */
  counts: readonly number[]
  sumMs: number
}

/** The package's own histogram can only be filled one observation at a time. */
export function showDurations(
  registry: Registry,
  { name, help, boundsMs }: { name: string; help: string; boundsMs: readonly number[] },
  read: () => Iterable<CountedDurations>,
): void {
  const histogram = new Histogram({ name, help, registers: [] })
  const describe = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: [...read()].flatMap((one) => describeOne(name, boundsMs, one)),
  })
  registry.registerMetric(Object.assign(histogram, { getForPromString: describe }))
}

function describeOne(name: string, boundsMs: readonly number[], { labels, counts, sumMs }: CountedDurations) {
  let total = 0
  const steps = counts.map((count, index) => {
    total += count
    const bound = boundsMs[index]
    const le = bound === undefined ? '+Inf' : bound / 1000
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: total }
  })
  return [
    ...steps,
    { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: total },
  ]
}
