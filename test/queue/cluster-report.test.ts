import assert from 'node:assert/strict'
import { countSlots, findWorst, readSlots, slotCount } from '../../src/queue/cluster-report.ts'
import { readLink } from '../../src/queue/durability.ts'
import type { RedisState } from '../../src/queue/node-report.ts'

describe('report on a cluster', () => {
  const ok: RedisState = { state: 'ok' }
  const full: RedisState = { state: 'full', reason: 'f' }
  const weak: RedisState = { state: 'weak', because: 'settings', reason: 'w' }
  const away: RedisState = { state: 'away', reason: 'a' }
  const worst = (...states: RedisState[]) => findWorst(states.map((state) => ({ state }))).state

  it('is as bad as the worst of its masters', () => {
    assert.deepEqual(worst(ok, ok), ok)
    assert.deepEqual(worst(ok, full, ok), full)
    assert.deepEqual(worst(full, weak), weak)
    assert.deepEqual(worst(weak, away, ok), away)
  })

  it('is away where no master is known, and says of each what is allowed', () => {
    assert.equal(worst().state, 'away')
    const reports = [{ state: ok, allowed: 'one.' }, { state: ok }, { state: ok, allowed: 'two.' }]
    assert.equal(findWorst(reports).allowed, 'one. two.')
  })

  it('counts the slots that somebody serves', () => {
    const ranges = readSlots([
      [0, 5460, ['h', 1, 'id', []], ['h', 4, 'id', []]],
      [5461, 16_383, ['h', 2, 'id', []]],
    ])
    assert.deepEqual(
      ranges.map(({ master }) => master),
      ['h:1', 'h:2'],
    )
    assert.equal(countSlots(ranges), slotCount)
    assert.equal(countSlots(ranges.slice(1)), slotCount - 5461)
    assert.deepEqual(readSlots('ERR'), [])
  })
})

describe('replicas of a master', () => {
  it('count when they are in step and were heard of lately', () => {
    const info = (state: string, lag: number) =>
      `role:master\r\nconnected_slaves:2\r\nslave0:ip=h,port=1,state=online,offset=5,lag=0\r\nslave1:ip=h,port=2,state=${state},offset=5,lag=${lag}\r\n`
    assert.deepEqual(readLink(info('online', 5)), { role: 'master', replicas: 2 })
    assert.equal(readLink(info('online', 6)).replicas, 1)
    assert.equal(readLink(info('wait_bgsave', 0)).replicas, 1)
    assert.deepEqual(readLink('role:slave\r\nmaster_link_status:up\r\n'), { role: 'slave', replicas: 0 })
  })
})
