import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse } from 'lossless-json'
import { readJson } from '../../src/providers/read-json.ts'

/** The careful parser alone. */
function readCarefully(text: string): unknown {
  try {
    return { value: parse(text, null, (number) => number) }
  } catch {
    return 'refused'
  }
}

function read(text: string): unknown {
  const answer = readJson(Buffer.from(text))
  return 'problem' in answer ? 'refused' : answer
}

describe('reading a provider’s JSON', () => {
  it('gives the same by either parser, however it is written', () => {
    const texts = fc
      .json()
      .chain((text) =>
        fc.constantFrom(text, ` ${text}`, text.replaceAll(':', ': '), text.replaceAll('"', ''), `${text},`),
      )
    fc.assert(
      fc.property(texts, (text) => {
        assert.deepEqual(read(text), readCarefully(text))
      }),
      { numRuns: 1_000 },
    )
  })

  const cases = {
    'a number that a double cannot hold': '{"a":12345678901234567890,"b":1}',
    'a number with zeros behind the point': '{"a":1.10,"b":[1.0,-0,0,1e3,0.1]}',
    'a number that is written as the engine writes it': '{"a":[1,-2.5,{"b":1e+21}]}',
    'a key twice with two values': '{"a":1,"a":2}',
    'a key twice with one value': '{"a":1,"a":1}',
    // Written out it is eleven letters longer, which is what the second key takes.
    'a key twice beside an exponent that makes up for it': '{"a":1e15,"b":"xxxxx","b":"x"}',
    'spaces beside an exponent that makes up for them': '{"a":            1e15}',
    'round numbers': '{"a":25000,"b":[100,0,-7]}',
    'an exponent in a text': '{"a":"x:1e5","b":25000}',
    'a key twice, far below': '{"a":[{"b":{"c":"x","c":"y"}}]}',
    'keys that the engine would order': '{"b":1,"2":2,"1":1}',
    'a name of the prototype': '{"__proto__":{"a":1},"b":2}',
    'a letter written as a number': '{"a":"\\u0041","b":"\\/"}',
    'half a letter': '{"a":"\\ud800"}',
    'text alone': '"text"',
    'a number alone': '12',
    nothing: '',
    'null and booleans': '{"a":null,"b":[true,false,null]}',
  }
  for (const [name, text] of Object.entries(cases)) {
    it(`is the same of ${name}`, () => assert.deepEqual(read(text), readCarefully(text)))
  }

  it('refuses what is nested too deeply', () => {
    assert.deepEqual(readJson(Buffer.from('['.repeat(200_000) + ']'.repeat(200_000))), {
      problem: 'is nested too deeply.',
    })
  })
})
