/** The console of a running Tallyhook, with something to look at. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { scopes } from '../../src/domain/scopes.ts'
import { startComposed } from './composed.ts'
import { startRedisServer } from './redis-server.ts'
import { until } from './until.ts'
import { beneficiary, newReference, testAccount } from './zenospay.ts'

/** Whatever shows it as markup runs it. */
export const hostile = `<img src=x onerror=alert(1)>"'&</p>`

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const tokens = [
  { id: 'test', sha256: sha256('composed-token'), scopes: [...scopes] },
  { id: 'viewer', sha256: sha256('viewer-token'), scopes: ['transfers:read', 'events:read', 'ops:read'] },
  { id: 'reader', sha256: sha256('reader-token'), scopes: ['events:read'] },
]

export type ConsoleWorld = Awaited<ReturnType<typeof startConsoleWorld>>

export async function startConsoleWorld() {
  const server = await startRedisServer()
  const outbound = { allow: ['127.0.0.0/8'], http: true }
  const tallyhook = await startComposed(server.url, { outbound, more: { api: { tokens } } })
  const { apiUrl, headers } = tallyhook

  async function api<Body = Record<string, unknown>>(method: string, path: string, body?: object) {
    const answer = await fetch(`${apiUrl}/v1${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Body }
  }

  async function register(fields: Record<string, unknown> = {}) {
    const amount = { value: '25000.00', currency: 'IDR' }
    const content = { account: testAccount.id, reference: newReference(), amount, beneficiary, ...fields }
    const { status, body } = await api<{ id: string; reference: string }>('POST', '/transfers', content)
    assert.equal(status, 201, JSON.stringify(body))
    return body
  }

  async function reaches(id: string, wanted: { state?: string; held?: boolean }) {
    await until(`${id} to be ${JSON.stringify(wanted)}`, async () => {
      const { body } = await api<Record<string, unknown>>('GET', `/transfers/${id}`)
      return Object.entries(wanted).every(([name, value]) => body[name] === value)
    })
  }

  return {
    tallyhook,
    apiUrl,
    api,
    register,
    reaches,

    /** Succeeded, and then said to have failed. */
    async hold(fields: Record<string, unknown> = {}) {
      const transfer = await register(fields)
      const { value: amount = '25000.00' } = Object(fields.amount) as { value?: string }
      await tallyhook.callBack(transfer.reference, { status: 'success', amount })
      await reaches(transfer.id, { state: 'succeeded' })
      await tallyhook.callBack(transfer.reference, { status: 'fail', amount })
      await reaches(transfer.id, { held: true })
      const { body } = await api<{ hold: { case: string } }>('GET', `/transfers/${transfer.id}`)
      return { ...transfer, case: body.hold.case }
    },

    /** As a browser asks for a page; a token instead of a session. */
    async page(path: string, token = 'composed-token') {
      const answer = await fetch(`${apiUrl}/ops${path}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/html' },
        redirect: 'manual',
      })
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    },

    async post(path: string, form: Record<string, string>, token = 'composed-token') {
      const answer = await fetch(`${apiUrl}/ops${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, accept: 'text/html' },
        body: new URLSearchParams(form),
        redirect: 'manual',
      })
      return {
        status: answer.status,
        location: answer.headers.get('location') ?? '',
        text: await answer.text(),
      }
    },

    async stop() {
      await tallyhook.stop()
      await server.stop()
    },
  }
}
