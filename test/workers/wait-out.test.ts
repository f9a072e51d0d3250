import assert from 'node:assert/strict'
import { DelayedError } from 'bullmq'
import { AppError } from '../../src/domain/errors.ts'
import { createBreather, leaveWhenNotCompleted, putBack, readTrouble } from '../../src/workers/wait-out.ts'

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })
const full = reply("OOM command not allowed when used memory > 'maxmemory'. script: x, on @user_script:1.")

describe('waiting Redis out', () => {
  it('knows Redis’s own trouble, also where it is wrapped, and nothing else', () => {
    assert.equal(readTrouble(full)?.code, 'redis-full')
    assert.equal(readTrouble(new AppError('redis-away'))?.code, 'redis-away')
    for (const trouble of [
      reply('READONLY You can’t write against a read only replica.'),
      reply('CLUSTERDOWN The cluster is down'),
      reply('NOREPLICAS Not enough good replicas to write.'),
      new Error('Too many Cluster redirections. Last error: ReplyError: MOVED 1 h:1'),
      new Error('Command timed out'),
      new Error('Connection is closed.'),
    ]) {
      assert.equal(readTrouble(trouble)?.code, 'redis-away', trouble.message)
    }
    for (const other of [
      reply('WRONGTYPE Operation against a key holding the wrong kind of value'),
      reply('ERR Error running script: Command timed out'),
      new Error('OOM'),
      new AppError('commit-contended'),
      'OOM',
    ]) {
      assert.equal(readTrouble(other), undefined, String(other))
    }
  })

  it('puts a job back, and leaves it to the stalled check where even that fails', async () => {
    const moved: unknown[] = []
    const movable = {
      moveToDelayed: async (...args: unknown[]) => void moved.push(args),
      moveToCompleted: async () => {},
    }
    assert.ok((await putBack(movable, 'token', 7)) instanceof DelayedError)
    assert.deepEqual(moved, [[7, 'token']])
    const stuck = { ...movable, moveToDelayed: () => Promise.reject(full) }
    assert.ok((await putBack(stuck, 'token', 7)) instanceof DelayedError)
  })

  it('takes a completion that meets the trouble for no failure of the job', async () => {
    const failing = (error: Error) => {
      const job = { moveToCompleted: (): Promise<unknown> => Promise.reject(error) }
      leaveWhenNotCompleted(job as Parameters<typeof leaveWhenNotCompleted>[0])
      return job.moveToCompleted()
    }
    await assert.rejects(failing(reply('CLUSTERDOWN The cluster is down')), DelayedError)
    await assert.rejects(failing(new Error('Missing lock for job 1')), /Missing lock/)
  })

  it('pauses the worker once for any number of errors, and leaves it alone for others', () => {
    let pauses = 0
    const breather = createBreather({
      pause: async () => void pauses++,
      resume: () => {},
    } as unknown as Parameters<typeof createBreather>[0])
    breather.consider(new Error('Missing lock for job 1'))
    assert.equal(pauses, 0)
    for (let i = 0; i < 5; i++) breather.consider(full)
    assert.equal(pauses, 1)
    breather.stop()
    breather.consider(full)
    assert.equal(pauses, 1)
  })
})
