import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createSseParser, type Frame } from '../../src/client/sse.ts'

const encode = (text: string) => new TextEncoder().encode(text)

function parse(text: string, cuts: readonly number[] = []): Frame[] {
  const bytes = encode(text)
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const parser = createSseParser()
  const starts = [0, ...places]
  return starts.flatMap((start, i) => parser.push(bytes.subarray(start, starts[i + 1])))
}

const lineEnd = fc.constantFrom('\n', '\r', '\r\n')
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((raw) => raw.replace(/[\r\n]/g, ''))
const line = fc.oneof(
  fc.constant(''),
  fc
    .tuple(fc.constantFrom('data', 'id', 'event', 'retry', '', 'other', 'data'), text)
    .map(([name, value]) => {
      return `${name}:${value}`
    }),
  text,
)

describe('server-sent events, parsed', () => {
  it('gives the same frames wherever the chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, lineEnd), { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (lines, cuts) => {
          const whole = lines.map(([one, end]) => one + end).join('')
          assert.deepEqual(parse(whole, cuts), parse(whole))
        },
      ),
    )
  })

  it('gives the same frames byte by byte', () => {
    const whole = '\ufeffid: ü-1\r\ndata: {"a":\r\ndata: "é 😀"}\r\n\r\n:\r\n\r\nid: 2\r\n\r\n'
    const each = Array.from({ length: encode(whole).length }, (_, i) => i)
    assert.deepEqual(parse(whole, each), [
      { id: 'ü-1', event: undefined, data: '{"a":\n"é 😀"}' },
      { id: '2', event: undefined, data: undefined },
    ])
  })

  it('gives what was written, whatever ends its lines', () => {
    for (const end of ['\n', '\r', '\r\n'])
      assert.deepEqual(parse(['id: 1', 'event: a', 'data:x', 'data:  y', '', ''].join(end)), [
        { id: '1', event: 'a', data: 'x\n y' },
      ])
  })

  it('keeps the id for the frames that bear none, and never that of one that was cut', () => {
    assert.deepEqual(parse('id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n'), [
      { id: '1', event: undefined, data: 'a' },
      { id: '1', event: undefined, data: 'b' },
    ])
  })

  it('says nothing of comments, of a frame without id and data, and of fields that it does not know', () => {
    assert.deepEqual(parse(':\n\n: heartbeat\n\nevent: a\n\nother: x\nretry: soon\n\n'), [])
  })

  it('hears how long it is to wait', () => {
    const heard: number[] = []
    createSseParser({ onRetry: (ms) => heard.push(ms) }).push(encode('retry: 2000\n\nretry: -1\n\n'))
    assert.deepEqual(heard, [2000])
  })

  it('refuses a line, and a frame of many lines, longer than it may be', () => {
    const chunk = encode('x'.repeat(600))
    const oneLine = createSseParser({ maxLength: 1000 })
    oneLine.push(encode('data: '))
    oneLine.push(chunk)
    assert.throws(() => oneLine.push(chunk), { code: 'frame-too-long' })
    const manyLines = createSseParser({ maxLength: 1000 })
    manyLines.push(encode(`data: ${'x'.repeat(600)}\n`))
    assert.throws(() => manyLines.push(encode(`data: ${'x'.repeat(600)}\n`)), { code: 'frame-too-long' })
    const manyFrames = createSseParser({ maxLength: 1000 })
    for (let i = 0; i < 10; i++)
      assert.equal(manyFrames.push(encode(`data: ${'x'.repeat(600)}\n\n`)).length, 1)
  })
})
