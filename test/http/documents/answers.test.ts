/** The check that every answer in the tests goes through: what it would find. */
import assert from 'node:assert/strict'
import { documentedFetch, documentFaults, findEventFault, findFault } from '../../support/documented.ts'

const problem = {
  type: 'urn:tallyhook:problem:not-found',
  title: 'There is nothing here',
  status: 404,
  code: 'not-found',
  detail: 'There is nothing here.',
}

function look(
  call: string,
  status: number,
  body: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' },
) {
  const [method = '', path = ''] = call.split(' ')
  return findFault({ method, path, status, header: (name) => headers[name], body: JSON.stringify(body) })
}

const asProblem = { 'content-type': 'application/problem+json' }

describe('answers held to the document', () => {
  it('one that is as documented passes', () => {
    assert.equal(look('GET /healthz', 200, { status: 'ok', redis: { state: 'ok' } }), undefined)
    assert.equal(look('GET /v1/cases/x', 404, problem, asProblem), undefined)
    assert.equal(look('GET /v1/transfers', 200, { items: [], next: null }), undefined)
  })

  it('a field more, a field less, and a field of another type are found', () => {
    assert.match(look('GET /healthz', 200, { status: 'ok', redis: { state: 'ok', more: 1 } }) ?? '', /"more"/)
    assert.match(look('GET /healthz', 200, { status: 'ok' }) ?? '', /redis/)
    assert.match(look('GET /v1/transfers', 200, { items: [{}], next: null }) ?? '', /items\/0/)
    assert.match(look('GET /v1/transfers', 200, { items: 1, next: null }) ?? '', /items/)
  })

  it('a status, a type and a code that are not documented are found', () => {
    assert.match(look('GET /v1/transfers', 204, {}) ?? '', /204 is not documented/)
    assert.match(look('GET /v1/transfers', 200, {}, asProblem) ?? '', /is of the type/)
    assert.match(look('GET /v1/cases', 404, problem, asProblem) ?? '', /404 is not documented/)
    const other = { ...problem, code: 'reference-conflict', status: 409 }
    assert.match(look('POST /v1/cases/x/resolve', 409, other, asProblem) ?? '', /enum|allowed values/)
  })

  it('a missing header, and a call that is not documented, are found', () => {
    assert.match(look('POST /v1/transfers', 201, {}) ?? '', /location/)
    assert.match(look('GET /v1/nothing', 200, {}) ?? '', /is not documented/)
    assert.equal(look('GET /v1/nothing', 404, problem, asProblem), undefined)
    assert.match(look('DELETE /v1/transfers', 200, {}) ?? '', /is not documented/)
  })

  it('an event that holds what is not of its type is found', () => {
    const object = {
      id: 'cas_1',
      account: 'a',
      kind: 'held',
      code: 'amount-differs',
      reason: 'It differs.',
      state: 'open',
      openedAt: '2027-01-01T00:00:00.000Z',
    }
    const event = {
      specversion: '1.0',
      id: 'evt_1',
      source: '/accounts/a',
      type: 'tallyhook.case.opened.v1',
      subject: 'cas_1',
      time: '2027-01-01T00:00:00.000Z',
      datacontenttype: 'application/json',
      sequence: 1,
      partition: 0,
      data: { object, because: { source: 'callback' } },
    }
    assert.equal(findEventFault(event), undefined)
    assert.match(findEventFault({ ...event, type: 'tallyhook.transfer.succeeded.v1' }) ?? '', /data/)
    assert.match(findEventFault({ ...event, time: 'yesterday' }) ?? '', /date-time/)
    assert.match(findEventFault({ ...event, more: 1 }) ?? '', /"more"/)
    const page = { events: [{ ...event, type: 'tallyhook.batch.closed.v1' }], next: 'x' }
    assert.match(look('GET /v1/events', 200, page) ?? '', /data/)
  })

  it('fetch fails on what is not as documented', async () => {
    const answer = () => {
      const made = new Response('{}', {
        headers: { 'content-type': 'application/json', 'x-request-id': 'x' },
      })
      Object.defineProperty(made, 'url', { value: 'http://127.0.0.1/healthz' })
      return Promise.resolve(made)
    }
    await assert.rejects(documentedFetch(answer)('http://127.0.0.1/healthz'), /not as documented/)
    assert.match(documentFaults.pop() ?? '', /healthz/)
  })
})
