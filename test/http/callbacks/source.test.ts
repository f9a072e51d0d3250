import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { createSourceOf, createSourceRule, neighbourhoodOf } from '../../../src/http/callbacks/source.ts'

const requestFrom = (remoteAddress: string | undefined, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

describe('source of a request', () => {
  it('is the nearest address where no proxy is trusted, whatever the sender writes', () => {
    const sourceOf = createSourceOf(0)
    assert.equal(sourceOf(requestFrom('203.0.113.9', '10.0.0.1')), '203.0.113.9')
    assert.equal(sourceOf(requestFrom('::ffff:203.0.113.9')), '203.0.113.9')
    assert.equal(sourceOf(requestFrom(undefined)), undefined, 'a connection that has closed')
  })

  it('is what the outermost trusted proxy saw, and no more is believed', () => {
    const forged = '101.226.103.1, 198.51.100.7'
    assert.equal(createSourceOf(1)(requestFrom('127.0.0.1', forged)), '198.51.100.7')
    assert.equal(createSourceOf(2)(requestFrom('127.0.0.1', `${forged}, 10.0.0.2`)), '198.51.100.7')
  })

  it('is told also where a proxy writes the port beside it', () => {
    for (const [hop, address] of [
      ['198.51.100.7:4711', '198.51.100.7'],
      ['[2001:db8::1]:4711', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:db8::1', '2001:db8::1'],
    ] as const)
      assert.equal(createSourceOf(1)(requestFrom('127.0.0.1', hop)), address)
  })

  it('cannot be told where the request came past the proxies, or they wrote nonsense', () => {
    assert.equal(createSourceOf(1)(requestFrom('127.0.0.1')), undefined)
    assert.equal(createSourceOf(2)(requestFrom('127.0.0.1', '198.51.100.7')), undefined)
    assert.equal(createSourceOf(1)(requestFrom('127.0.0.1', 'unknown')), undefined)
  })
})

describe('source rule', () => {
  const rule = createSourceRule(new Map([['wx', ['101.226.103.0/25', '81.71.199.64', '2001:db8::/32']]]))
  const allowed = (source: string | undefined) => rule('wx', source)

  it('knows networks and single addresses', () => {
    for (const source of ['101.226.103.1', '101.226.103.127', '81.71.199.64', '2001:db8::1'])
      assert.ok(allowed(source), source)
    for (const source of ['101.226.103.128', '81.71.199.65', '2001:db9::1', '::1'])
      assert.ok(!allowed(source), source)
  })

  it('fails closed where the source cannot be told', () => {
    assert.ok(!allowed(undefined))
    assert.ok(!allowed('unknown'))
  })

  it('lets everyone call an account that names no sources', () => {
    assert.ok(rule('zeno', '198.51.100.1'))
    assert.ok(rule('zeno', undefined))
  })
})

describe('neighbourhood of a source', () => {
  it('is the address itself, and of IPv6 the /64 that one sender holds', () => {
    assert.equal(neighbourhoodOf('203.0.113.9'), '203.0.113.9')
    assert.equal(neighbourhoodOf('2001:db8:1:2:a:b:c:d'), '2001:db8:1:2::/64')
    assert.equal(neighbourhoodOf('2001:db8:1:2::d'), neighbourhoodOf('2001:0db8:1:2:ffff::'))
    assert.equal(neighbourhoodOf('2001:db8::1'), '2001:db8:0:0::/64')
    assert.equal(neighbourhoodOf('::1'), '0:0:0:0::/64')
    assert.notEqual(neighbourhoodOf('2001:db8:1:2::1'), neighbourhoodOf('2001:db8:1:3::1'))
  })
})
