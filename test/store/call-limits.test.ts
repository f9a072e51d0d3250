import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import {
  type BreakerSettings,
  type CallLimit,
  createCallLimits,
  spacingOf,
} from '../../src/store/call-limits.ts'
import { createKeys } from '../../src/store/keys.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { createTestClients, uniquePrefix } from '../support/redis.ts'
import { until } from '../support/until.ts'

const breaker: BreakerSettings = { failuresMax: 3, openMs: 60, openMsMax: 200, graceMs: 500 }

describe('limits of calls', () => {
  const clients = createTestClients()
  let redis: Redis
  let other: Redis
  before(async () => {
    redis = await clients.open('fail-fast')
    other = await clients.open('fail-fast')
  })
  after(() => clients.closeAll())

  /** As two processes have them. */
  function two(settings: BreakerSettings = breaker) {
    const keys = createKeys(uniquePrefix(), 4)
    const create = (client: Redis) =>
      createCallLimits({ redis: client, scripts: loadScripts(client), keys, breaker: settings })
    return { one: create(redis), two: create(other), keys }
  }

  const plan = (
    limits: CallLimit[],
    more: { account?: string; bucket?: string; mayProbe?: boolean } = {},
  ) => ({
    account: 'a',
    bucket: 'ask',
    limits,
    mayProbe: true,
    waitMsMax: 0,
    probeMs: 10_000,
    ...more,
  })
  const hourly = (count: number, bucket = 'ask') => ({ bucket, count, perMs: 3_600_000 })
  const note = (health: 'good' | 'bad' | 'none', probe?: string) => ({
    account: 'a',
    bucket: 'ask',
    outcome: health === 'bad' ? 'unknown' : '2xx',
    health,
    durationMs: 70,
    probe,
  })

  it('hold for all processes together', async () => {
    const { one, two: another } = two()
    const limit = hourly(40)
    const turns = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? one : another).take(plan([limit]))),
    )
    const granted = turns.filter(({ outcome }) => outcome === 'granted')
    assert.equal(granted.length, spacingOf(limit).burst)
    for (const turn of turns) {
      if (turn.outcome === 'granted') continue
      assert.equal(turn.outcome, 'limited')
      assert.ok(turn.outcome === 'limited' && turn.retryInMs > 60_000 && turn.retryInMs <= 100_000)
    }
    assert.equal(
      (await one.take(plan([limit], { account: 'b' }))).outcome,
      'granted',
      'each account has its own',
    )
    assert.equal((await one.take(plan([hourly(40, 'pay')], { bucket: 'pay' }))).outcome, 'granted')
  })

  it('of which several apply are all kept, and none is used up by a turn that another one refuses', async () => {
    const { one } = two()
    const wide = hourly(100)
    const narrow = hourly(1, '*')
    assert.equal((await one.take(plan([wide, narrow]))).outcome, 'granted')
    for (let i = 0; i < 20; i++) assert.equal((await one.take(plan([wide, narrow]))).outcome, 'limited')
    const { limits } = await one.stateOf('a', [wide, narrow])
    assert.deepEqual(
      limits.map(({ bucket, free }) => [bucket, free]),
      [
        ['ask', spacingOf(wide).burst - 1],
        ['*', 0],
      ],
    )
  })

  it('give a turn that is about to come to whoever would wait for it, one each', async () => {
    const { one, two: another } = two()
    const limit = { bucket: 'ask', count: 2, perMs: 20_000 }
    const patient = { ...plan([limit]), waitMsMax: 22_000 }
    const turns = [await one.take(patient), await another.take(patient), await one.take(patient)]
    const waits = turns.map((turn) => (turn.outcome === 'granted' ? turn.waitMs : assert.fail(turn.outcome)))
    assert.equal(waits[0], 0)
    assert.ok((waits[1] ?? 0) > 5_000 && (waits[1] ?? 0) <= 10_000, String(waits))
    assert.ok((waits[2] ?? 0) > 15_000 && (waits[2] ?? 0) <= 20_000, String(waits))
    assert.equal((await another.take(patient)).outcome, 'limited')
  })

  it('never let through more than the count, in no stretch of its length', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }).chain((count) => {
          const minLength = count + 1
          const pauses = fc.array(fc.integer({ min: 0, max: 3 }), { minLength, maxLength: 3 * minLength })
          return fc.tuple(fc.constant(count), pauses)
        }),
        fc.integer({ min: 100, max: 100_000 }),
        ([count, pauses], perMs) => {
          const { intervalUs, aheadUs } = spacingOf({ bucket: 'x', count, perMs })
          // The script's own sums, with callers that come whenever they like.
          const sent: number[] = []
          let now = 0
          let at = 0
          for (const pause of pauses) {
            now += pause * Math.floor((perMs * 400) / count)
            const start = Math.max(now, at - aheadUs)
            at = Math.max(at, start) + intervalUs
            sent.push(start)
          }
          for (const [i, first] of sent.entries()) {
            const after = sent[i + count]
            assert.ok(after === undefined || after - first >= perMs * 1000)
          }
        },
      ),
    )
  })

  it('are held where the provider asks for it, for that kind alone', async () => {
    const { one, two: another } = two()
    await one.note({ ...note('good'), outcome: '429', holdMs: 60_000 })
    const turn = await another.take(plan([]))
    assert.ok(turn.outcome === 'limited' && turn.retryInMs > 50_000)
    assert.equal((await another.take(plan([], { bucket: 'pay' }))).outcome, 'granted')
  })

  it('are held for the longest time that was named, and never for longer than a minute', async () => {
    const { one } = two()
    await one.note({ ...note('good'), outcome: '429', holdMs: 30_000 })
    await one.note({ ...note('good'), outcome: '429', holdMs: 1_000 })
    const turn = await one.take(plan([]))
    assert.ok(turn.outcome === 'limited' && turn.retryInMs > 25_000, 'the first word still holds')
    await one.note({ ...note('good'), outcome: '429', holdMs: 3_600_000 })
    const later = await one.take(plan([]))
    assert.ok(later.outcome === 'limited' && later.retryInMs <= 60_000)
  })

  it('shut no account for as long as Redis’s clock was off, once that is right again', async () => {
    const { one, keys } = two()
    const limit = { bucket: 'ask', count: 1, perMs: 60_000 }
    const inAnHour = String(Date.now() + 3_600_000)
    const set = (...fields: string[]) => redis.hset(keys.calls('a'), ...(fields as [string, string]))
    await set('at ask 1/60000', `${inAnHour}000`)
    assert.equal((await one.take(plan([limit]))).outcome, 'granted')
    assert.equal((await one.take(plan([limit]))).outcome, 'limited', 'and counted anew from there')
    await set('held pay', inAnHour)
    assert.equal((await one.take(plan([], { bucket: 'pay' }))).outcome, 'granted')
    await set('retryAt', inAnHour, 'failures', '3', 'opened', '1', 'probe', 'dead', 'probeUntil', inAnHour)
    const turn = await one.take(plan([]))
    assert.ok(turn.outcome === 'granted' && turn.probe, 'it may try')
    assert.equal((await one.take(plan([]))).outcome, 'open', 'and nobody else meanwhile')
    assert.equal(await one.note(note('good', turn.probe)), 'closed')
  })

  describe('the breaker', () => {
    const open = async (limits: ReturnType<typeof two>) => {
      for (const expected of ['same', 'same', 'opened'])
        assert.equal(await limits.one.note(note('bad')), expected)
    }
    const stateOf = async ({ two: another }: ReturnType<typeof two>) =>
      (await another.stateOf('a', [])).breaker
    const halfOpen = (limits: ReturnType<typeof two>) =>
      until('the breaker to be half open', async () => (await stateOf(limits)).state === 'half-open')

    it('opens for all processes after so many failures in a row, and not of others between them', async () => {
      const limits = two({ ...breaker, openMs: 60_000, openMsMax: 60_000 })
      for (let i = 0; i < 4; i++) {
        await limits.one.note(note('bad'))
        await limits.two.note(note('bad'))
        await limits.one.note(note('good'))
      }
      assert.deepEqual(await stateOf(limits), { state: 'closed', failures: 0 })
      await open(limits)
      const turn = await limits.two.take(plan([]))
      assert.ok(turn.outcome === 'open' && turn.retryInMs > 50_000)
      const state = await stateOf(limits)
      assert.equal(state.state, 'open')
      assert.ok(Math.abs((state.retryAt ?? 0) - Date.now() - 60_000) < 5_000)
      assert.equal((await limits.two.take(plan([], { account: 'b' }))).outcome, 'granted')
    })

    it('lets one try when it is half open, and closes for all when that works', async () => {
      const limits = two()
      await open(limits)
      await halfOpen(limits)
      const turns = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? limits.one : limits.two).take(plan([]))),
      )
      const [probe, ...more] = turns.flatMap((turn) => (turn.outcome === 'granted' ? [turn.probe] : []))
      assert.ok(probe !== undefined)
      assert.deepEqual(more, [])
      // What was under way when it opened says nothing of now.
      assert.equal(await limits.two.note(note('good')), 'same')
      assert.equal((await limits.two.take(plan([]))).outcome, 'open')
      assert.equal(await limits.one.note(note('good', probe)), 'closed')
      assert.deepEqual(await stateOf(limits), { state: 'closed', failures: 0 })
      const turn = await limits.two.take(plan([]))
      assert.deepEqual(turn, { outcome: 'granted', waitMs: 0 })
    })

    it('opens again for longer when the try fails, up to a bound', async () => {
      const limits = two()
      await open(limits)
      for (const openMs of [120, 200, 200]) {
        await halfOpen(limits)
        const turn = await limits.one.take(plan([]))
        assert.ok(turn.outcome === 'granted' && turn.probe)
        const earliest = Date.now() + openMs
        assert.equal(await limits.one.note(note('bad', turn.probe)), 'opened')
        const latest = Date.now() + openMs
        const { retryAt = 0 } = await stateOf(limits)
        assert.ok(retryAt >= earliest - 1 && retryAt <= latest + 1, `${openMs} ms`)
      }
    })

    it('leaves the trying to questions for a while, and lets an order do it when none comes', async () => {
      const limits = two()
      await open(limits)
      await halfOpen(limits)
      const money = plan([], { mayProbe: false, bucket: 'pay' })
      const refused = await limits.one.take(money)
      assert.ok(refused.outcome === 'open' && refused.retryInMs <= breaker.graceMs)
      const granted = await until('its turn', async () => {
        const turn = await limits.two.take(money)
        return turn.outcome === 'granted' && turn
      })
      assert.ok(granted.probe)
    })

    it('is not left shut by one who died trying, nor moved by what he says after all', async () => {
      const limits = two()
      await open(limits)
      await halfOpen(limits)
      const dead = await limits.one.take({ ...plan([]), probeMs: 50 })
      assert.ok(dead.outcome === 'granted' && dead.probe)
      const next = await until('another try', async () => {
        const turn = await limits.two.take(plan([]))
        return turn.outcome === 'granted' && turn
      })
      assert.equal(await limits.one.note(note('good', dead.probe)), 'same')
      assert.equal((await stateOf(limits)).state, 'half-open')
      assert.equal(await limits.two.note(note('good', next.probe)), 'closed')
    })

    it('lets the next one try when the try came to nothing', async () => {
      const limits = two()
      await open(limits)
      await halfOpen(limits)
      const given = await limits.one.take(plan([]))
      assert.ok(given.outcome === 'granted' && given.probe)
      assert.equal(await limits.one.note(note('none', given.probe)), 'same')
      const next = await limits.two.take(plan([]))
      assert.ok(next.outcome === 'granted' && next.probe)
    })
  })

  it('count every call by what came of it, and how long it took', async () => {
    const { one, two: another } = two()
    await one.note(note('good'))
    await another.note({ ...note('good'), durationMs: 31_000 })
    await one.note({ ...note('bad'), bucket: 'pay', durationMs: 50 })
    for (let i = 0; i < 3; i++) await one.take(plan([hourly(1)]))
    const { outcomes, durations } = await another.countsOf('a')
    const byName = Object.fromEntries(
      outcomes.map(({ bucket, outcome, count }) => [`${bucket} ${outcome}`, count]),
    )
    assert.deepEqual(byName, { 'ask 2xx': 2, 'pay unknown': 1, 'ask limited': 2 })
    assert.deepEqual(durations, [
      { bucket: 'ask', durations: { counts: [0, 1, 0, 0, 0, 0, 0, 0, 0, 1], sumMs: 31_070 } },
      { bucket: 'pay', durations: { counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], sumMs: 50 } },
    ])
    assert.deepEqual(await another.countsOf('b'), { outcomes: [], durations: [] })
  })
})
