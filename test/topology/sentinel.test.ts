import assert from 'node:assert/strict'
import { type Composed, refusedInTime, startComposed } from '../support/composed.ts'
import { ask, type Sentinel, startSentinel, untilInStep } from '../support/redis-topologies.ts'
import { until } from '../support/until.ts'
import { newReference } from '../support/zenospay.ts'

describe('behind Sentinels', function () {
  this.timeout(60_000)
  let redis: Sentinel
  let tallyhook: Composed
  before(async () => {
    redis = await startSentinel()
    tallyhook = await startComposed(redis.url)
  })
  after(async () => {
    assert.equal(await tallyhook.stop(), true)
    await redis.stop()
  })

  it('settles a callback', async () => {
    const references = await tallyhook.registerSome(3)
    for (const reference of references) assert.equal((await tallyhook.callBack(reference)).status, 200)
    await tallyhook.settled(references)
  })

  it('loses its master: 503 at once, then the next master, with everything that was replicated', async () => {
    const references = await tallyhook.registerSome(20)
    const answers = await Promise.all(references.map((reference) => tallyhook.callBack(reference)))
    assert.ok(answers.every(({ status }) => status === 200))
    await tallyhook.settled(references.slice(0, 1))
    await untilInStep(redis.master, redis.replica)

    await redis.master.kill()
    // Before anybody has looked, and after.
    await refusedInTime(tallyhook)
    await until('the absence', async () => (await tallyhook.readiness()).redis.state === 'away')
    await refusedInTime(tallyhook)
    assert.equal((await tallyhook.register(newReference())).status, 503)

    await tallyhook.ready()
    await tallyhook.settled(references, 30_000)
    const later = await tallyhook.registerSome(3)
    for (const reference of later) assert.equal((await tallyhook.callBack(reference)).status, 200)
    await tallyhook.settled(later)
  })

  it('names the master that is weak', async () => {
    const { port } = redis.replica
    await ask(port, (client) => client.config('SET', 'appendfsync', 'everysec'))
    const weak = await until('distrust', async () => {
      const { redis: state } = await tallyhook.readiness()
      return state.state === 'weak' && state
    })
    assert.deepEqual(weak, {
      state: 'weak',
      because: 'settings',
      reason: `Redis 127.0.0.1:${port} would lose data: appendfsync must be always.`,
    })
    await ask(port, (client) => client.config('SET', 'appendfsync', 'always'))
    await tallyhook.ready()
  })
})
