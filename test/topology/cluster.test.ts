import assert from 'node:assert/strict'
import { parseRedisUrl } from '../../src/config/redis-url.ts'
import { createConnect } from '../../src/queue/connections.ts'
import { createCallLimits } from '../../src/store/call-limits.ts'
import { transferIdOf } from '../../src/store/ids.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createPauses } from '../../src/store/pauses.ts'
import { loadScripts } from '../../src/store/scripts.ts'
import { type Composed, refusedInTime, startComposed } from '../support/composed.ts'
import { ask, type RedisCluster, startCluster, untilInStep } from '../support/redis-topologies.ts'
import { until } from '../support/until.ts'
import { newReference, testAccount } from '../support/zenospay.ts'

describe('on a cluster', function () {
  this.timeout(60_000)
  const keys = createKeys('tallyhook', 8)
  let redis: RedisCluster
  let tallyhook: Composed
  before(async () => {
    redis = await startCluster()
    tallyhook = await startComposed(redis.url)
  })
  after(async () => {
    await tallyhook.stop()
    await redis.stop()
  })

  const stateOf = async (wanted: string) =>
    until(wanted, async () => {
      const { status, redis: state } = await tallyhook.readiness()
      return state.state === wanted && { status, ...state }
    })

  it('settles callbacks of every partition, and also those that came before their transfer', async () => {
    const references = await tallyhook.registerSome(40)
    const early = Array.from({ length: 10 }, newReference)
    const all = [...references, ...early]
    const partitions = new Set(
      all.map((reference) => keys.partitionOf(transferIdOf(testAccount.id, reference))),
    )
    assert.equal(partitions.size, 8)
    const answers = await Promise.all(all.map((reference) => tallyhook.callBack(reference)))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    await until(
      'the parked callbacks',
      () =>
        tallyhook.logger.lines.filter(({ fields }) => fields.outcome === 'parked').length === early.length,
    )
    for (const reference of early) assert.equal((await tallyhook.register(reference)).status, 201)
    await tallyhook.settled(all)
  })

  it('keeps what is not understood as a failed job and a case', async () => {
    assert.equal((await tallyhook.callBack(newReference(), { status: 'odd' })).status, 200)
    const shown = await until('the case', async () => {
      const answer = await fetch(`${tallyhook.apiUrl}/v1/cases?state=open`, { headers: tallyhook.headers })
      return ((await answer.json()) as { items: { code: string }[] }).items[0]
    })
    assert.equal(shown.code, 'callback-not-understood')
  })

  it('shows the queue to operators', async () => {
    const answer = await fetch(`${tallyhook.apiUrl}/ops/queues/api/queues`, { headers: tallyhook.headers })
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /"name":"callbacks"/)
    const stats = await fetch(`${tallyhook.apiUrl}/ops/queues/api/redis/stats`, {
      headers: tallyhook.headers,
    })
    assert.equal(stats.status, 200)
  })

  it('counts calls to providers and shows how the accounts do', async () => {
    const parsed = parseRedisUrl(redis.url)
    assert.ok('address' in parsed)
    const client = createConnect(parsed.address)('fail-fast', 'calls-test')
    await client.connect()
    try {
      const limits = createCallLimits({ redis: client, scripts: loadScripts(client), keys })
      const call = { account: testAccount.id, bucket: 'ask' }
      const limit = { bucket: 'ask', count: 1, perMs: 3_600_000 }
      const plan = { ...call, limits: [limit], mayProbe: true, waitMsMax: 0, probeMs: 1_000 }
      assert.deepEqual(await limits.take(plan), { outcome: 'granted', waitMs: 0 })
      assert.equal((await limits.take(plan)).outcome, 'limited')
      await limits.note({ ...call, outcome: '2xx', health: 'good', durationMs: 5 })
      const pauses = createPauses({ redis: client, keys, pausedByConfiguration: () => false })
      await pauses.pause(testAccount.id, { by: 'test', reason: 'test', at: 0 })
    } finally {
      client.disconnect()
    }
    const { apiUrl, headers } = tallyhook
    const answer = await fetch(`${apiUrl}/v1/accounts/${testAccount.id}`, { headers })
    const health = (await answer.json()) as { submissions: { paused: boolean } }
    assert.equal(health.submissions.paused, true)
    const figures = await (await fetch(`${apiUrl}/metrics`)).text()
    const calls = `tallyhook_provider_calls_total{account="${testAccount.id}",call="ask",outcome="2xx"} 1`
    assert.ok(figures.includes(calls))
  })

  it('is no single server: a start that takes a node for one is refused with a sentence', async () => {
    await assert.rejects(
      startComposed(redis.masters[0]?.url ?? ''),
      /is a node of a cluster; REDIS_URL must begin with redis\+cluster:\/\/\./,
    )
  })

  it('names the one master that is weak or filling up', async () => {
    const { port } = redis.masters[2] ?? assert.fail()
    const set = (name: string, value: string) => ask(port, (client) => client.config('SET', name, value))
    await set('appendfsync', 'everysec')
    const weak = await stateOf('weak')
    assert.equal(weak.status, 503)
    assert.match(weak.reason ?? '', new RegExp(`^Redis 127\\.0\\.0\\.1:${port} would lose data`))
    await set('appendfsync', 'always')
    await tallyhook.ready()
    await set('maxmemory', '1mb')
    assert.match((await stateOf('full')).reason ?? '', new RegExp(`^Redis 127\\.0\\.0\\.1:${port} uses`))
    assert.equal((await tallyhook.callBack(newReference())).status, 503)
    await set('maxmemory', '256mb')
    await tallyhook.ready()
  })

  it('answers 503 at once while a master is down, and goes on without a restart when it is back', async () => {
    const owner = await redis.ownerOf('{tallyhook:q}')
    const references = await tallyhook.registerSome(5)
    for (const reference of references) assert.equal((await tallyhook.callBack(reference)).status, 200)
    // A job that is cut off in the middle waits for its lock to run out; that is test/workers/killed-worker.test.ts.
    await tallyhook.settled(references)
    await owner.kill()
    // Before anybody has looked, and after.
    await refusedInTime(tallyhook)
    const away = await stateOf('away')
    assert.match(away.reason ?? '', /Redis 127\.0\.0\.1:\d+|The cluster serves/)
    await refusedInTime(tallyhook)
    await owner.restart()
    await tallyhook.ready()
    await tallyhook.settled(references)
    const later = await tallyhook.registerSome(10)
    await Promise.all(later.map((reference) => tallyhook.callBack(reference)))
    await tallyhook.settled(later)
  })

  it('follows a failover: the replica of a master that hangs takes its place', async () => {
    const owner = await redis.ownerOf('{tallyhook:q}')
    const replica = await redis.addReplica(owner)
    const references = await tallyhook.registerSome(10)
    for (const reference of references) assert.equal((await tallyhook.callBack(reference)).status, 200)
    await untilInStep(owner, replica)
    owner.freeze()
    await stateOf('away')
    // The servers' election is theirs: one that fails on a busy machine is repeated after several node time-outs.
    await tallyhook.ready(40_000)
    assert.notEqual((await redis.ownerOf('{tallyhook:q}')).port, owner.port)
    await tallyhook.settled(references, 30_000)
    const later = await tallyhook.registerSome(10)
    for (const reference of later) assert.equal((await tallyhook.callBack(reference)).status, 200)
    await tallyhook.settled(later)
  })

  it('is left cleanly though all of it is gone', async () => {
    await Promise.all(redis.nodes.map((node) => node.kill()))
    await stateOf('away')
    await refusedInTime(tallyhook)
    assert.equal(await tallyhook.stop(), true)
  })
})
