import assert from 'node:assert/strict'
import type { Request, Response } from 'express'
import { createDescribeAction } from '../../../src/http/ops/describe-action.ts'

describe('what is asked for on the operators’ pages', () => {
  const describeAction = createDescribeAction(async () => ({ id: 'omar', via: 'operator', scopes: [] }))
  const of = async (path: string) => {
    const res = { getHeader: () => 'request-1' } as unknown as Response
    const action = await describeAction({ path, body: { reason: 'why' } } as Request, res)
    return action && [action.action, action.target]
  }

  it('has the name that the API gives it, and its target', async () => {
    assert.deepEqual(await of('/cases/case-01abc/resolve'), ['case.resolve', 'case-01abc'])
    assert.deepEqual(await of('/accounts/zeno-main/pause'), ['account.pause', 'zeno-main'])
    assert.deepEqual(await of('/receipts/rc-01abc/reverify'), ['receipt.reverify', 'rc-01abc'])
    assert.deepEqual(await of('/subscriptions/su-1/deliveries/ev-1/resend'), [
      'subscription.deliveries.resend',
      'su-1/ev-1',
    ])
    assert.deepEqual(await of('/queues/api/queues/callbacks/rc-01abc/retry'), [
      'job.retry',
      'callbacks/rc-01abc',
    ])
  })

  it('signing in and looking are not actions here', async () => {
    assert.equal(await of('/search'), undefined)
    assert.equal(await of('/sign-in'), undefined)
  })
})
