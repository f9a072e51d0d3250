/**
 * A backlog of registered transfers to one subscription and to five, by a working process of the program; beside a loop
 * of requests with the same bodies, and beside a BullMQ job for each delivery. All on one Redis, to the same endpoint
 * process, with as many requests at once; they take turns, several rounds each, and the medians count.
 */
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApi } from './deliver-api.ts'
import { ask, cpuUsOf, end, redisCpuUs, start, untilRested } from './processes.ts'
import type { EndpointOrder, EndpointResult } from './receivers/endpoint.ts'
import type { BenchResult } from './run.ts'
import { median, spread } from './sample.ts'
import type { ProgramSite, Running } from './site.ts'
import { createWrites, range, registerOne, writeMany } from './store.ts'
import type { SenderOrder, SenderRequest } from './workers/sender.ts'

export interface RateSize {
  /** Deliveries of a round, whether to one subscription or to five. */
  deliveries: number
  rounds: number
}

interface Contestant {
  title: string
  /** Gets ready what does not count. */
  prepare(): Promise<void>
  /** Begins to send. Resolves when it may be asked what it has used. */
  send(arrived: Promise<unknown>): Promise<unknown>
  /** When it has nothing more to do about what has arrived. */
  settled(): Promise<void>
  process: ChildProcess
  measured: Measured[]
}

interface Measured {
  perSecond: number
  senderUs: number
  redisUs: number
  repeats: number
}

/** As the program does without being told. */
const concurrency = 32
const logKey = 'payout-events'
const heap = ['--max-semi-space-size=64']
/** What is written behind the last answer. */
const settleMs = 500

export async function benchRates(site: ProgramSite, size: RateSize): Promise<BenchResult[]> {
  const results: BenchResult[] = []
  const serving = await site.start('serve')
  const working = await site.start('work')
  let from = 0
  for (const subscriptions of [1, 5]) {
    const events = Math.ceil(size.deliveries / subscriptions)
    results.push(await benchFanOut(site, { serving, working }, { ...size, subscriptions, events, from }))
    from += (size.rounds + 2) * events
  }
  await Promise.all([end(serving.child), end(working.child)])
  return results
}

interface FanOut extends RateSize {
  subscriptions: number
  events: number
  /** The first transfer that is not registered yet. */
  from: number
}

async function benchFanOut(
  site: ProgramSite,
  running: { serving: Running; working: Running },
  size: FanOut,
): Promise<BenchResult> {
  const { subscriptions, events, rounds } = size
  const endpoint = start('receivers/endpoint.js')
  const order: EndpointOrder = { ports: subscriptions }
  const { ports } = await ask<{ ports: number[] }>(endpoint, order)
  const urls = ports.map((port) => `http://127.0.0.1:${port}/events`)
  const senders: ChildProcess[] = []
  const startSender = async (kind: SenderOrder['kind']) => {
    const child = start('workers/sender.js', heap)
    senders.push(child)
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const { redisUrl } = site
    await ask(child, { kind, redisUrl, logKey, urls, concurrency, secret } satisfies SenderOrder)
    return child
  }
  try {
    const ours = await createOurs(site, running, urls, size)
    await writePeerLog(site, running.serving, events)
    const [limit, peer] = [await startSender('limit'), await startSender('peer')]
    const contestants: Contestant[] = [
      asContestant('limit: a loop of undici requests', limit, async () => {}),
      asContestant('peer: a job each, jobs waiting', peer, () => drained(site), 'fill'),
      asContestant('peer: a job each, made from the log', peer, () => drained(site)),
      ours,
    ]
    // A first round of each is not counted: compilers settle.
    for (let round = 0; round <= rounds; round++) {
      for (const contestant of contestants) {
        const measured = await measure(contestant, endpoint, site, events * subscriptions)
        if (round > 0) contestant.measured.push(measured)
      }
    }
    await ours.end()
    return describe(contestants, size)
  } finally {
    for (const child of [...senders, endpoint]) await end(child)
  }
}

function asContestant(
  title: string,
  child: ChildProcess,
  settled: () => Promise<void>,
  before?: SenderRequest,
): Contestant {
  return {
    title,
    process: child,
    measured: [],
    prepare: async () => void (before && (await ask(child, before))),
    send: (arrived) => Promise.all([arrived, ask(child, 'go' satisfies SenderRequest)]),
    settled,
  }
}

async function drained({ admin }: ProgramSite): Promise<void> {
  while ((await admin.llen('peer:deliveries:active')) > 0) await sleep(5)
}

/** Subscriptions that are disabled while the log grows, and enabled so that what they have missed is sent. */
async function createOurs(
  site: ProgramSite,
  { serving, working }: { serving: Running; working: Running },
  urls: string[],
  { events, from }: FanOut,
): Promise<Contestant & { end(): Promise<void> }> {
  const api = createApi(serving.apiUrl, site.token)
  const subscriptions: string[] = []
  const types = ['tallyhook.transfer.*']
  for (const url of urls) {
    const { id } = await api.call<{ id: string }>('POST', '/v1/subscriptions', { url, types, disabled: true })
    subscriptions.push(id)
  }
  const changeAll = (content: object) =>
    Promise.all(subscriptions.map((id) => api.call('PATCH', `/v1/subscriptions/${id}`, content)))
  let next = from
  return {
    title: 'ours',
    process: working.child,
    measured: [],
    async prepare() {
      await changeAll({ enabled: false })
      await register(site, next, events)
      next += events
    },
    send: (arrived) => Promise.all([arrived, changeAll({ enabled: true, missed: 'send' })]),
    settled: () => sleep(settleMs),
    end: async () => {
      await Promise.all(subscriptions.map((id) => api.call('DELETE', `/v1/subscriptions/${id}`)))
      await api.close()
    },
  }

  async function register({ admin, parts }: ProgramSite, first: number, count: number): Promise<void> {
    const writes = Object.values(createWrites(parts))
    const now = Date.now()
    await writeMany(admin, range(first, count), (to, index) => {
      const one = registerOne(index, now, parts)
      for (const write of writes) write(to, one)
    })
  }
}

/** What the others send: the bodies that ours has in its log. */
async function writePeerLog(site: ProgramSite, { apiUrl }: Running, count: number): Promise<void> {
  const { admin, parts, token } = site
  await admin.del(logKey)
  const writes = Object.values(createWrites(parts))
  // Beyond what is ever delivered.
  await writeMany(admin, range(90_000_000, 1_000), (to, index) => {
    const one = registerOne(index, Date.now(), parts)
    for (const write of writes) write(to, one)
  })
  const api = createApi(apiUrl, token)
  const types = 'types=tallyhook.transfer.registered.v1'
  const { events } = await api.call<{ events: { id: string }[] }>('GET', `/v1/events?limit=1000&${types}`)
  await api.close()
  const texts = events.map((event) => JSON.stringify(event))
  await writeMany(admin, range(0, count), (to, index) => {
    const json = texts[index % texts.length] ?? ''
    to.xadd(logKey, '*', 'id', `${index}`, 'event', json)
  })
}

async function measure(
  { title, prepare, send, settled, process: child }: Contestant,
  endpoint: ChildProcess,
  { admin }: ProgramSite,
  deliveries: number,
): Promise<Measured> {
  await prepare()
  await untilRested(child)
  const before = { sender: await cpuUsOf(child), redis: await redisCpuUs(admin) }
  const arrived = ask<EndpointResult>(endpoint, { expect: deliveries } satisfies EndpointOrder)
  await send(Promise.race([arrived, tooLong(title)]))
  await settled()
  const after = { sender: await cpuUsOf(child), redis: await redisCpuUs(admin) }
  const { seconds, arrivals } = await arrived
  return {
    perSecond: deliveries / seconds,
    senderUs: (after.sender - before.sender) / deliveries,
    redisUs: (after.redis - before.redis) / deliveries,
    repeats: arrivals - deliveries,
  }
}

const stuckMs = 180_000

async function tooLong(title: string): Promise<never> {
  await sleep(stuckMs, undefined, { ref: false })
  throw new Error(`${title}: not everything was delivered in ${stuckMs} ms.`)
}

function describe(contestants: Contestant[], { subscriptions, events, rounds }: FanOut): BenchResult {
  const speedOf = ({ measured }: Contestant) => median(measured.map(({ perSecond }) => perSecond))
  const cpuOf = ({ measured }: Contestant) => median(measured.map((one) => one.senderUs + one.redisUs))
  const [limit, ...others] = contestants
  const peers = others.filter(({ title }) => title.startsWith('peer'))
  const peer = peers.toSorted((a, b) => speedOf(b) - speedOf(a))[0]
  /** Round by round, so that what else the machine does meets both alike. */
  const ratio = (of: Contestant, to: Contestant | undefined) =>
    median(of.measured.map(({ perSecond }, i) => perSecond / (to?.measured[i]?.perSecond ?? 1))).toFixed(2)
  return {
    title: `deliver: a backlog to ${subscriptions === 1 ? 'one subscription' : `${subscriptions} subscriptions`}, ${concurrency} requests at once to each`,
    rows: contestants.map((one) => ({
      sender: one.title,
      'deliveries/s': Math.round(speedOf(one)),
      rounds: spread(one.measured.map(({ perSecond }) => perSecond)),
      'sender us': Math.round(median(one.measured.map(({ senderUs }) => senderUs))),
      'Redis us': Math.round(median(one.measured.map(({ redisUs }) => redisUs))),
      repeats: one.measured.reduce((sum, { repeats }) => sum + repeats, 0),
      'of the limit': ratio(one, limit),
      'x peer': ratio(one, peer),
      'CPU of the peer': (cpuOf(one) / cpuOf(peer ?? one)).toFixed(2),
    })),
    notes: [
      `${events} events a round, ${rounds} rounds of each in turn after one of warming up; medians, and the slowest to the fastest round. From the first arrival to the last.`,
      'us: CPU microseconds per delivery. of the limit, x peer: beside the loop and the faster peer, round by round. The limit signs nothing and keeps nothing.',
    ],
  }
}
