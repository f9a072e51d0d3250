import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createReadSubscriberUrl, type UrlFault } from '../../../src/http/api/subscriber-url.ts'
import { createAddressCheck } from '../../../src/outbound/networks.ts'

const read = createReadSubscriberUrl({ mayReach: createAddressCheck([]), http: false })
const faultsOf = (text: string, reader = read): UrlFault[] => {
  const answer = reader(text)
  return answer.ok ? [] : answer.faults
}

describe('the URL of a subscriber', () => {
  it('is kept as it will be called', () => {
    const urls = {
      'https://hooks.example': 'https://hooks.example/',
      'HTTPS://Hooks.Example:443/a': 'https://hooks.example/a',
      'https://hooks.example:8443/a?b=c': 'https://hooks.example:8443/a?b=c',
      'https://münchen.example/ü': 'https://xn--mnchen-3ya.example/%C3%BC',
      'https://xn--mnchen-3ya.example/': 'https://xn--mnchen-3ya.example/',
      'https://hooks.example./': 'https://hooks.example./',
      'https://under_score.example/': 'https://under_score.example/',
      'https://93.184.215.14/': 'https://93.184.215.14/',
      'https://1572394766/': 'https://93.184.215.14/',
      'https://[2606:4700::6810:84e5]/': 'https://[2606:4700::6810:84e5]/',
      'https://hooks.example/?to=a@b': 'https://hooks.example/?to=a@b',
      'https://hooks.example/@me': 'https://hooks.example/@me',
    }
    for (const [text, url] of Object.entries(urls)) assert.deepEqual(read(text), { ok: true, url }, text)
  })

  const refused: Record<UrlFault, string[]> = {
    'url-not-valid': [
      '',
      'hooks.example',
      '/hooks',
      '//hooks.example',
      'https:hooks.example',
      'https:/hooks.example',
      'https:///hooks.example',
      'https://',
      ' https://hooks.example',
      'https://hooks.example ',
      'https://hooks.example/a b',
      'https://hooks.example/\n',
      'ht\ntps://hooks.example',
      'https://hooks\u0000.example',
      'https://hooks.example\\@evil.example/',
      'https://hooks.example/\ud800',
      'https://hooks.example:99999/',
      'https://hooks.example:0/',
      'https://a..b/',
      'https://.example/',
      `https://${'a'.repeat(64)}.example/`,
      `https://${'a.'.repeat(130)}example/`,
      'https://256.1.1.1/',
      'https://1.2.3.4.5/',
      'https://[::1/',
      'https://[fe80::1%25eth0]/',
      'https://[fe80::1%eth0]/',
      'https://exa%mple/',
      'https://exa<mple/',
    ],
    'url-too-long': [
      `https://hooks.example/${'a'.repeat(2048)}`,
      `https://hooks.example/${'ü'.repeat(1000)}`,
    ],
    'url-not-https': [
      'http://hooks.example/',
      'ftp://hooks.example/',
      'ws://hooks.example/',
      'file://hooks.example/etc/passwd',
      'gopher://hooks.example/',
      'unix://hooks.example/',
    ],
    'url-has-credentials': [
      'https://user:password@hooks.example/',
      'https://user@hooks.example/',
      'https://:password@hooks.example/',
      'https://@hooks.example/',
      'https://:@hooks.example/',
      'https://hooks.example@evil.example/',
      'https://hooks.example%40evil.example@evil.example/',
    ],
    'url-has-fragment': ['https://hooks.example/#', 'https://hooks.example/#a', 'https://hooks.example#a'],
    'url-address-refused': [
      'https://localhost/',
      'https://LOCALHOST:8081/',
      'https://localhost./',
      'https://a.localhost/',
      'https://loc\u00adalhost/',
      'https://127.0.0.1/',
      'https://127.0.0.1./',
      'https://127.1/',
      'https://127.255.255.254/',
      'https://2130706433/',
      'https://0x7f000001/',
      'https://0x7f.0.0.1/',
      'https://0X7F.1/',
      'https://0177.0.0.1/',
      'https://017700000001/',
      'https://１２７.0.0.1/',
      'https://①②⑦.0.0.1/',
      'https://127。0。0。1/',
      'https://%31%32%37.0.0.1/',
      'https://0/',
      'https://0.0.0.0/',
      'https://10.0.0.1/',
      'https://172.16.0.1/',
      'https://192.168.1.1/',
      'https://100.64.0.1/',
      'https://169.254.169.254/latest/meta-data/',
      'https://2852039166/',
      'https://0xa9fea9fe/',
      'https://224.0.0.1/',
      'https://255.255.255.255/',
      'https://[::]/',
      'https://[::1]/',
      'https://[0:0:0:0:0:0:0:1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[::ffff:7f00:1]/',
      'https://[::ffff:93.184.215.14]/',
      'https://[::127.0.0.1]/',
      'https://[64:ff9b::127.0.0.1]/',
      'https://[64:ff9b::a9fe:a9fe]/',
      'https://[64:ff9b:1::7f00:1]/',
      'https://[2002:7f00:1::]/',
      'https://[2001::1]/',
      'https://[fc00::1]/',
      'https://[fd00:ec2::254]/',
      'https://[fe80::1]/',
      'https://[ff02::1]/',
    ],
  }
  for (const [fault, urls] of Object.entries(refused)) {
    it(`is refused as ${fault}`, () => {
      for (const text of urls) assert.deepEqual(faultsOf(text), [fault], JSON.stringify(text))
    })
  }

  it('has every fault told at once', () => {
    assert.deepEqual(faultsOf('http://a:b@127.0.0.1/#c'), [
      'url-not-https',
      'url-has-credentials',
      'url-has-fragment',
      'url-address-refused',
    ])
  })

  it('may be at a network that is allowed, over plain http where that is', () => {
    const reader = createReadSubscriberUrl({ mayReach: createAddressCheck(['127.0.0.0/8']), http: true })
    for (const text of [
      'http://localhost:9000/',
      'http://127.1/',
      'https://127.0.0.1/',
      'http://hooks.example/',
    ])
      assert.deepEqual(faultsOf(text, reader), [], text)
    for (const text of ['http://10.0.0.1/', 'http://[::1]/'])
      assert.deepEqual(faultsOf(text, reader), ['url-address-refused'], text)
    assert.deepEqual(faultsOf('ftp://127.0.0.1/', reader), ['url-not-https'])
  })

  const octet = fc.integer({ min: 0, max: 255 })
  const privateV4 = fc.oneof(
    fc.tuple(fc.constant(10), octet, octet, octet),
    fc.tuple(fc.constant(127), octet, octet, octet),
    fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet),
    fc.tuple(fc.constant(192), fc.constant(168), octet, octet),
  )
  type V4 = [number, number, number, number]
  const numberOf = ([a, b, c, d]: V4) => ((a * 256 + b) * 256 + c) * 256 + d
  const hex = (value: number) => value.toString(16)
  const forms: ((v4: V4) => string)[] = [
    (v4) => v4.join('.'),
    (v4) => `${v4.join('.')}.`,
    (v4) => String(numberOf(v4)),
    (v4) => `0x${hex(numberOf(v4))}`,
    (v4) => `0${numberOf(v4).toString(8)}`,
    (v4) => v4.map((part) => `0x${hex(part)}`).join('.'),
    (v4) => v4.map((part) => `0${part.toString(8)}`).join('.'),
    ([a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
    ([a, b, c, d]) => `${a}.${(b * 256 + c) * 256 + d}`,
    (v4) => v4.join('.').replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    (v4) => `[::ffff:${v4.join('.')}]`,
    (v4) => `[::${v4.join('.')}]`,
    (v4) => `[64:ff9b::${v4.join('.')}]`,
    ([a, b, c, d]) => `[2002:${hex(a * 256 + b)}:${hex(c * 256 + d)}::1]`,
  ]

  it('is refused in every way to write an address of ours', () => {
    fc.assert(
      fc.property(privateV4, fc.constantFrom(...forms), (v4, write) => {
        const text = `https://${write(v4)}/`
        assert.deepEqual(faultsOf(text), ['url-address-refused'], text)
      }),
    )
  })

  it('never throws, and what it takes is taken again as it is', () => {
    const text = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string().map((rest) => `https://${rest}`),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, (given) => {
        const answer = read(given)
        if (answer.ok) assert.deepEqual(read(answer.url), answer)
      }),
    )
  })
})
