import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createFakeClient, type FakeClient } from '../../support/fake-client.ts'
import { createTestClients, testRedis } from '../../support/redis.ts'
import { createTestStore, findTransfer, testKeys } from '../../support/store.ts'
import { until } from '../../support/until.ts'
import { createTestWatch, factsOf, registerToSend } from '../../support/watch.ts'

const fixture = fileURLToPath(new URL('../../fixtures/stopped-sender.ts', import.meta.url))

describe('a process that is stopped while it sends', () => {
  const clients = createTestClients()
  const children: ChildProcess[] = []
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    clients.closeAll()
  })

  it('lets nothing leave when it wakes up, and whoever came after it has only asked', async function () {
    this.timeout(60_000)
    const store = createTestStore(await clients.open())
    const intent = await registerToSend(store, 't-1')
    const said: string[] = []
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', fixture, JSON.stringify(testRedis()), store.prefix, testKeys.seal, testKeys.index],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(child)
    child.stdout?.on('data', (data: Buffer) => void said.push(...data.toString().trim().split('\n')))
    await until('the order to pay', () => said.includes('pay'), 20_000)
    const orderedAt = Date.now()
    child.kill('SIGSTOP')
    assert.equal((await findTransfer(store, intent.id)).submission?.step, 'sending')

    // The next one sees to it as soon as the stopped one's time is over.
    const fake: FakeClient = createFakeClient()
    const time = { now: Date.now() }
    const other = createTestWatch(store, fake, time, { watch: { firstMs: 1_000, everyMs: 1_000 } })
    await until(
      'a question',
      async () => {
        time.now = Date.now()
        await other.settle(1)
        return fake.questions.length > 0
      },
      20_000,
    )
    await until('the order to be too late', () => Date.now() > orderedAt + 11_000)
    assert.deepEqual(fake.orders, [], 'it may have been ordered')
    child.kill('SIGCONT')
    await until('the stopped one', () => said.includes('too-late'), 10_000)

    // Now it is certain that nothing had left, so one of the two pays, once.
    const paid = () => said.filter((word) => word === 'paid').length + fake.orders.length
    await until('the payment', async () => {
      time.now = Date.now()
      await other.settle(1)
      return paid() > 0
    })
    for (let i = 0; i < 10; i++) {
      time.now += 60_000
      await other.settle(2)
    }
    assert.equal(paid(), 1)
    const facts = await factsOf(store, intent)
    assert.deepEqual(facts.slice(0, 6), ['registered', 'submitted', 'reserved', 'sent', 'unsent', 'sent'])
  })
})
