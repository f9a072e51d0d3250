/** What goes out: deliveries to subscriptions, and the stream. */
import { benchRates } from './deliver-rates.ts'
import { benchStream } from './deliver-stream.ts'
import type { BenchResult } from './run.ts'
import { openProgramSite, type ProgramSite } from './site.ts'

const sizes = {
  whole: {
    rates: { deliveries: 20_000, rounds: 3 },
    stream: { warmUp: 10_000, full: 20_000, half: 15_000, rounds: 3 },
  },
  quick: {
    rates: { deliveries: 2_000, rounds: 1 },
    stream: { warmUp: 2_000, full: 4_000, half: 3_000, rounds: 1 },
  },
}

export async function benchDeliver({ quick }: { quick: boolean }): Promise<BenchResult[]> {
  const size = quick ? sizes.quick : sizes.whole
  return [
    ...(await onSite((site) => benchRates(site, size.rates))),
    ...(await onSite((site) => benchStream(site, size.stream))),
  ]
}

async function onSite(bench: (site: ProgramSite) => Promise<BenchResult[]>): Promise<BenchResult[]> {
  const site = await openProgramSite()
  try {
    return await bench(site)
  } finally {
    await site.close()
  }
}
