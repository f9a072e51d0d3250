import assert from 'node:assert/strict'
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts'
import { describeTarget } from '../../src/queue/connections.ts'

function address(text: string): RedisAddress {
  const parsed = parseRedisUrl(text)
  assert.equal(parsed.outcome, 'parsed', text)
  return parsed.outcome === 'parsed' ? parsed.address : assert.fail()
}

describe('REDIS_URL', () => {
  it('is one server', () => {
    assert.deepEqual(address('redis://:pw@redis:6379/2'), { kind: 'url', url: 'redis://:pw@redis:6379/2' })
    assert.equal(address('rediss://redis').kind, 'url')
  })

  it('is Sentinels and the name of their master', () => {
    assert.deepEqual(address('redis+sentinel://a:1,b,[::1]:3/main'), {
      kind: 'sentinel',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
        { host: '::1', port: 3 },
      ],
      master: 'main',
      db: 0,
      tls: false,
    })
    assert.deepEqual(
      address('rediss+sentinel://app:p%40ss@a:1/main?db=3&sentinelUsername=s&sentinelPassword=t%2F'),
      {
        kind: 'sentinel',
        nodes: [{ host: 'a', port: 1 }],
        username: 'app',
        password: 'p@ss',
        master: 'main',
        db: 3,
        tls: true,
        sentinelUsername: 's',
        sentinelPassword: 't/',
      },
    )
  })

  it('is nodes of a cluster', () => {
    assert.deepEqual(address('redis+cluster://:pw@a:1,b/'), {
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6_379 },
      ],
      password: 'pw',
      tls: false,
    })
    assert.equal(address('rediss+cluster://a').kind, 'cluster')
  })

  it('is described without its passwords', () => {
    for (const [text, said] of [
      ['redis://u:secret@h:1/2', 'redis://h:1/2'],
      ['rediss+sentinel://u:secret@a:1,b:2/main?sentinelPassword=secret', 'rediss+sentinel://a:1,b:2/main'],
      ['redis+cluster://:secret@a:1,b:2', 'redis+cluster://a:1,b:2'],
    ] as const) {
      assert.equal(describeTarget(address(text)), said)
    }
  })

  const wrong: [string, RegExp][] = [
    ['localhost:6379', /^It must begin with redis:\/\//],
    ['redis+other://secret@a', /^It must begin with/],
    ['redis://', /^It is not a URL\.$/],
    ['redis+sentinel://a:1', /^The name of the master is missing/],
    ['redis+sentinel://a:1/', /^The name of the master is missing/],
    [
      'redis+sentinel://a:1/main?secret=1',
      /^After the \? it knows db, sentinelUsername, sentinelPassword\.$/,
    ],
    ['redis+sentinel://a:1/main?db=secret', /^db must be a number\.$/],
    ['redis+sentinel://u:sec@ret@a:1/main', /^It cannot be read; write an @/],
    ['redis+sentinel://secret@a:1/main', /^Before the @ stands user:password/],
    ['redis+sentinel://:secret%zz@a:1/main', /^A % must begin a code/],
    ['redis+cluster://', /^The hosts must be host:port/],
    ['redis+cluster://a:1, b:2', /^The hosts must be host:port/],
    ['redis+cluster://a:1,,b:2', /^The hosts must be host:port/],
    ['redis+cluster://a:70000', /^A port must be from 1 to 65535\.$/],
    ['redis+cluster://a:0', /^A port must be from 1 to 65535\.$/],
    ['redis+cluster://a:1/2', /^Nothing follows the hosts of a cluster/],
  ]
  for (const [text, sentence] of wrong) {
    it(`is not ${text}`, () => {
      const parsed = parseRedisUrl(text)
      assert.match(parsed.outcome === 'invalid' ? parsed.sentence : 'It was accepted.', sentence)
      assert.ok(!JSON.stringify(parsed).includes('secret') && !JSON.stringify(parsed).includes('ret@'))
    })
  }
})
