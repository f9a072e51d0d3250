/** Somebody who looks at every open case and decides it by what the provider believes, as an operator would who calls it. */
import assert from 'node:assert/strict'
import type { Belief } from './provider-sandbox.ts'

interface OpenCase {
  id: string
  kind: string
  code: string
  intent?: string
}

interface Sandbox {
  token: string
  believes(): Promise<Belief>
}

const nouns: Record<string, string> = { tr: 'transfers', ba: 'batches', co: 'coupons', pi: 'collections' }
/** Somebody was quicker, or it cannot be. */
const notNow = [404, 409, 422]

export function createOperator(apiUrl: string, { token, believes }: Sandbox) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const get = async <T>(path: string) => (await (await fetch(`${apiUrl}${path}`, { headers })).json()) as T
  const listOpen = async () => (await get<{ items: OpenCase[] }>('/v1/cases?state=open&limit=100')).items

  async function resolve(one: OpenCase, action?: string): Promise<boolean> {
    const answer = await fetch(`${apiUrl}/v1/cases/${one.id}/resolve`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ reason: 'The provider was asked.', ...(action && { action }) }),
    })
    const isResolved = answer.status === 200
    const text = await answer.text()
    assert.ok(isResolved || notNow.includes(answer.status), `${one.code}, ${action}: ${text}`)
    return isResolved
  }

  /** What they say of it is taken where it is what the provider believes, and not what we know. */
  async function decide(one: OpenCase, believed: Belief): Promise<string> {
    // It would be refused again: what the provider turns down in the sandbox it always turns down.
    if (one.code === 'refused-by-provider') return 'take-theirs'
    if (one.code !== 'final-state-contradicted') return 'keep-ours'
    const noun = nouns[one.intent?.slice(0, 2) ?? ''] ?? ''
    const { reference, state } = await get<{ reference: string; state: string }>(`/v1/${noun}/${one.intent}`)
    return isBelieved(believed, reference, state) ? 'keep-ours' : 'take-theirs'
  }

  return {
    async hasWork(): Promise<boolean> {
      return (await listOpen()).length > 0
    },
    async describeWork(): Promise<string> {
      return (await listOpen()).map(({ kind, code }) => `${kind} ${code}`).join(', ')
    },
    async resolveAll(): Promise<void> {
      const open = await listOpen()
      const believed = open.length > 0 ? await believes() : undefined
      for (const one of open) {
        if (one.kind !== 'held' || !believed) await resolve(one)
        else if (!(await resolve(one, await decide(one, believed)))) await resolve(one, 'keep-ours')
      }
    },
  }
}

function isBelieved({ zenospay, wechatpay }: Belief, reference: string, state: string): boolean {
  const payout = zenospay.payouts.find((one) => one.reference === reference)
  if (payout) return payout.status === (state === 'succeeded' ? 'success' : 'fail')
  const members = wechatpay.batches.flatMap(({ transfers }) => transfers)
  const status = members.find(({ number }) => number === reference)?.status
  return status === { succeeded: 'SUCCESS', failed: 'FAIL', returned: 'REFUND' }[state]
}
