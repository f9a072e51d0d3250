/** Histories of what we send that went wrong once, and some that say what everybody expects. */
import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { createTestClients } from '../../support/redis.ts'
import type { Kind, SendingOperation } from './plan.ts'
import { playSending } from './world.ts'

describe('histories of sending by name', () => {
  const clients = createTestClients()
  let redis: Redis
  before(async () => {
    redis = await clients.open()
  })
  after(() => clients.closeAll())

  const send = (seed: number, kind: Kind, operations: SendingOperation[]) =>
    playSending(redis, { seed, kind, operations })
  const registered = (name: string): SendingOperation[] => [
    { do: 'register', name, submit: true },
    { do: 'drain' },
  ]
  const watched: SendingOperation[] = [{ do: 'watch' }, { do: 'drain' }]

  it('a batch that was refused for good is asked about no more than one that was paid', async () => {
    const { ends } = await send(1, 'whole', [
      ...registered('b0'),
      { do: 'mood', mood: 'failed' },
      { do: 'watch' },
    ])
    assert.deepEqual([ends['batch finished'], ends['transfer failed']], [1, 3])
  })

  it('a batch of which a transfer was cancelled is sent without it', async () => {
    const { ends } = await send(2, 'whole', [
      { do: 'register', name: 'b0', submit: false },
      { do: 'drain' },
      { do: 'cancel', name: 'm0' },
      { do: 'drain' },
      { do: 'settle-batch' },
      { do: 'drain' },
    ])
    assert.deepEqual([ends['transfer succeeded'], ends['transfer cancelled']], [2, 1])
  })

  it('a batch of which one was heard of while it was taken for lost is not sent again without that one', () =>
    send(202003, 'whole', [
      { do: 'register', name: 'b0', submit: true },
      { do: 'register', name: 'c0', submit: true },
      { do: 'go', of: 0, count: 4 },
      { do: 'mood', mood: 'late' },
      { do: 'round', by: 120_000, of: 2, count: 64 },
      { do: 'watch' },
      { do: 'go', of: 3, count: 8 },
      { do: 'mood', mood: 'ask-taken' },
      { do: 'clock', by: 3_900_000 },
      { do: 'go', of: 2, count: 32 },
      { do: 'clock', by: 60_000 },
      { do: 'mood', mood: 'ask-taken' },
      { do: 'watch' },
      { do: 'go', of: 5, count: 32 },
      { do: 'mood', mood: 'not-known-yet' },
    ]))

  it('whoever dies after any step of sending, it is paid once or runs out', async () => {
    const histories = Array.from({ length: 48 }, (_, steps) =>
      send(100 + steps, 'reserving', [
        ...registered('t0'),
        ...watched,
        { do: 'watch' },
        { do: 'go', of: 0, count: steps },
        { do: 'step', of: 0, fate: 'die-after' },
      ]),
    )
    const found = (await Promise.all(histories)).flatMap(({ ends }) => Object.keys(ends))
    assert.ok(found.includes('transfer succeeded'))
  })

  it('two who find the same due at once pay it once', async () => {
    const histories = Array.from({ length: 8 }, (_, from) =>
      send(200 + from, 'reserving', [
        ...registered('t0'),
        ...watched,
        { do: 'watch' },
        { do: 'watch' },
        ...Array.from(
          { length: 60 },
          (_, i): SendingOperation => ({
            do: 'step',
            of: (i * (from + 1)) % 5,
            fate: 'ok',
          }),
        ),
      ]),
    )
    for (const { ends } of await Promise.all(histories)) assert.equal(ends['transfer succeeded'], 5)
  })

  it('what was set aside for too much is never paid, whatever a person says', async () => {
    const { ends } = await send(300, 'reserving', [
      ...registered('t0'),
      { do: 'mood', mood: 'odd-amount' },
      ...watched,
      { do: 'resolve', of: 0, receipt: 0, action: 'keep-ours' },
      { do: 'drain' },
    ])
    assert.equal(ends['transfer expired'], 1)
  })
})
