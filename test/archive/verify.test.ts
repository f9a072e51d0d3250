import assert from 'node:assert/strict'
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { createArchiveFiles } from '../../src/archive/files.ts'
import { beginChain, sha256 } from '../../src/archive/line.ts'
import { encodeManifest } from '../../src/archive/manifest.ts'
import { packMember } from '../../src/archive/member.ts'
import { readSegmentName } from '../../src/archive/place.ts'
import { readSegment } from '../../src/archive/read-segment.ts'
import { createSummary } from '../../src/archive/summary.ts'
import {
  copyArchive,
  filesOf,
  lines,
  newArchiveFolder,
  openWriter,
  removeArchiveFolders,
  verifyAll,
} from '../support/archive.ts'

describe('archive verify', () => {
  let source: string
  let dir: string

  /** Three closed segments of six lines, in members of two. */
  before(async () => {
    source = newArchiveFolder()
    const writer = openWriter(source, { segmentLinesMax: 6 })
    for (let i = 0; i < 9; i++) await writer.append(lines(i * 2 + 1, 2))
    await writer.close()
  })
  beforeEach(() => {
    dir = copyArchive(source)
  })
  after(removeArchiveFolders)

  const path = (ending: string) => filesOf(dir, ending)[0] ?? assert.fail(ending)
  const closed = (number: number) => path(`-${number}.ndjson.gz`)
  const manifest = (number: number) => path(`-${number}.manifest.json`)
  const firstFault = async () => {
    const [fault] = (await verifyAll(dir)).broken
    assert.ok(fault?.outcome === 'broken')
    return { number: readSegmentName(fault.segment)?.number, fault: fault.fault, line: fault.line }
  }
  const readLines = (file: string) => gunzipSync(readFileSync(file)).toString().split('\n').slice(0, -1)
  const writeLines = async (file: string, all: string[]) =>
    writeFileSync(file, await packMember(Buffer.from(`${all.join('\n')}\n`)))

  it('finds the whole thing whole', async () => {
    const { outcome, segments, lines: count, broken, heads } = await verifyAll(dir)
    assert.deepEqual([outcome, segments, count, broken], ['whole', 3, 18, []])
    const [last = ''] = readLines(closed(3)).slice(-1)
    assert.deepEqual(Object.values(heads), [{ n: 18, hash: sha256(last) }])
  })

  it('finds any changed byte of any file', async () => {
    const files = filesOf(dir, '').map((file) => ({ file, bytes: readFileSync(file) }))
    const mutation = fc.record({
      which: fc.nat(files.length - 1),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      flip: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(mutation, async ({ which, at, flip }) => {
        const { file, bytes } = files[which] ?? assert.fail()
        const changed = Buffer.from(bytes)
        const offset = Math.floor(at * bytes.length)
        changed[offset] = (changed[offset] ?? 0) ^ flip
        writeFileSync(file, changed)
        try {
          assert.equal((await verifyAll(dir)).outcome, 'broken', `${basename(file)} at ${offset}`)
        } finally {
          writeFileSync(file, bytes)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('finds every byte of a segment and of its manifest changed, one after another', async () => {
    for (const file of [closed(3), manifest(2)]) {
      const bytes = readFileSync(file)
      for (let offset = 0; offset < bytes.length; offset++) {
        const changed = Buffer.from(bytes)
        changed[offset] = (changed[offset] ?? 0) ^ 1
        writeFileSync(file, changed)
        assert.equal((await verifyAll(dir)).outcome, 'broken', `${basename(file)} at ${offset}`)
      }
      writeFileSync(file, bytes)
    }
  }).timeout(60_000)

  it('finds any file cut short, made longer or removed', async () => {
    for (const file of filesOf(dir, '')) {
      const bytes = readFileSync(file)
      const others: (Buffer | undefined)[] = [undefined, Buffer.concat([bytes, Buffer.from(' ')])]
      for (const part of [0, 0.3, 0.7]) others.push(bytes.subarray(0, Math.floor(bytes.length * part)))
      others.push(bytes.subarray(0, -1))
      for (const other of others) {
        if (other) writeFileSync(file, other)
        else rmSync(file)
        assert.equal((await verifyAll(dir)).outcome, 'broken', `${basename(file)} ${other?.length}`)
        writeFileSync(file, bytes)
      }
    }
  })

  describe('says what is wrong and where', () => {
    it('a byte of a member', async () => {
      const bytes = readFileSync(closed(2))
      bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1
      writeFileSync(closed(2), bytes)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'bytes-changed', line: 11 })
      assert.equal((await verifyAll(dir)).broken.length, 1)
    })

    it('a changed line, packed again', async () => {
      const all = readLines(closed(2))
      all[2] = (all[2] ?? '').replace('"acme"', '"acne"')
      await writeLines(closed(2), all)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'line-changed', line: 9 })
    })

    it('a changed last line, packed again', async () => {
      const all = readLines(closed(2))
      all[5] = (all[5] ?? '').replace('"acme"', '"acne"')
      await writeLines(closed(2), all)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'line-changed', line: 12 })
    })

    it('a removed line', async () => {
      await writeLines(closed(1), readLines(closed(1)).toSpliced(3, 1))
      assert.deepEqual(await firstFault(), { number: 1, fault: 'line-removed', line: 4 })
    })

    it('swapped lines', async () => {
      const [a = '', b = '', c = '', ...rest] = readLines(closed(1))
      await writeLines(closed(1), [a, c, b, ...rest])
      assert.deepEqual(await firstFault(), { number: 1, fault: 'lines-swapped', line: 2 })
    })

    it('a repeated line', async () => {
      const [a = '', ...rest] = readLines(closed(1))
      await writeLines(closed(1), [a, a, ...rest])
      assert.deepEqual(await firstFault(), { number: 1, fault: 'line-repeated', line: 2 })
    })

    it('a line that is none', async () => {
      const [a = '', , ...rest] = readLines(closed(1))
      await writeLines(closed(1), [a, '{"n":2}', ...rest])
      assert.deepEqual(await firstFault(), { number: 1, fault: 'line-unreadable', line: 2 })
    })

    it('a tail that was cut off a closed segment, between members and within one', async () => {
      const bytes = readFileSync(closed(3))
      truncateSync(closed(3), bytes.length - 3)
      assert.deepEqual(await firstFault(), { number: 3, fault: 'cut-short', line: 17 })
      truncateSync(closed(3), bytes.readUInt32LE(16))
      assert.deepEqual(await firstFault(), { number: 3, fault: 'cut-short', line: 15 })
    })

    it('a member that was put behind a closed segment', async () => {
      const more = await packMember(Buffer.from('{}\n'))
      writeFileSync(closed(3), Buffer.concat([readFileSync(closed(3)), Buffer.from('more')]))
      assert.deepEqual(await firstFault(), { number: 3, fault: 'bytes-added', line: undefined })
      writeFileSync(closed(2), Buffer.concat([readFileSync(closed(2)), more]))
      assert.deepEqual(await firstFault(), { number: 2, fault: 'line-unreadable', line: 13 })
    })

    it('a segment that is missing, with all that belongs to it', async () => {
      for (const file of filesOf(dir, '').filter((name) => /-2\./.test(basename(name)))) rmSync(file)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'segment-missing', line: 7 })
      assert.equal((await verifyAll(dir)).broken.length, 1)
    })

    it('a segment without its file', async () => {
      rmSync(closed(2))
      assert.deepEqual(await firstFault(), { number: 2, fault: 'segment-missing', line: undefined })
    })

    it('a manifest that is missing, also when its segment is made to look open', async () => {
      rmSync(manifest(2))
      assert.deepEqual(await firstFault(), { number: 2, fault: 'manifest-missing', line: undefined })
      renameSync(closed(2), closed(2).replace('.ndjson.gz', '.open.ndjson.gz'))
      assert.deepEqual(await firstFault(), { number: 2, fault: 'manifest-missing', line: undefined })
    })

    it('an index that is not the one that was written', async () => {
      const index = path('-2.index')
      writeFileSync(index, readFileSync(index).fill(1, 14, 28))
      assert.deepEqual(await firstFault(), { number: 2, fault: 'index-changed', line: undefined })
      rmSync(index)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'index-missing', line: undefined })
    })

    it('a segment that was written anew with a manifest that fits', async () => {
      const all = readLines(closed(1))
      all[5] = (all[5] ?? '').replace('"acme"', '"acne"')
      await writeLines(closed(1), all)
      await fitManifest(1)
      assert.deepEqual(await firstFault(), { number: 2, fault: 'line-changed', line: 6 })
    })

    it('two segments that have changed places', async () => {
      const swap = (a: string, b: string) => {
        renameSync(a, `${a}.x`)
        renameSync(b, a)
        renameSync(`${a}.x`, b)
      }
      swap(closed(1), closed(2))
      swap(manifest(1), manifest(2))
      swap(path('-1.index'), path('-2.index'))
      assert.equal((await firstFault()).number, 1)
    })

    it('a chain under the name of another writer', async () => {
      for (const file of filesOf(dir, '')) {
        const other = `0000000000000000${basename(file).slice(16)}`
        renameSync(file, join(dir, other))
      }
      assert.deepEqual(await firstFault(), { number: 1, fault: 'line-changed', line: 1 })
    })
  })

  describe('beside what an earlier run said', () => {
    it('misses the end of a chain, and a chain', async () => {
      const { heads } = await verifyAll(dir)
      assert.equal((await verifyAll(dir, { earlier: heads })).outcome, 'whole')
      for (const file of filesOf(dir, '').filter((name) => /-3\./.test(basename(name)))) rmSync(file)
      assert.equal((await verifyAll(dir)).outcome, 'whole')
      const [fault] = (await verifyAll(dir, { earlier: heads })).broken
      assert.ok(fault?.outcome === 'broken' && fault.fault === 'segment-missing' && fault.line === 13)
      for (const file of filesOf(dir, '')) rmSync(file)
      assert.equal((await verifyAll(dir, { earlier: heads })).broken.length, 1)
    })

    it('sees an end that was written anew', async () => {
      const { heads } = await verifyAll(dir)
      const all = readLines(closed(3))
      all[5] = (all[5] ?? '').replace('"acme"', '"acne"')
      await writeLines(closed(3), all)
      await fitManifest(3)
      assert.equal((await verifyAll(dir)).outcome, 'whole')
      const [fault] = (await verifyAll(dir, { earlier: heads })).broken
      assert.ok(fault?.outcome === 'broken' && fault.fault === 'rewritten' && fault.line === 18)
    })
  })

  /** As somebody would who has the code. */
  async function fitManifest(number: number): Promise<void> {
    const files = createArchiveFiles(dir)
    const name = readSegmentName(basename(closed(number)).split('.')[0] ?? '') ?? assert.fail()
    const [first = ''] = readLines(closed(number))
    const { n, prev } = JSON.parse(first)
    const start = n === 1 ? beginChain(name.writer) : { n: n - 1, hash: prev }
    const summary = createSummary(name, start.hash)
    const opened = (await files.openSegment(name.segment)) ?? assert.fail()
    for await (const part of readSegment(opened.handle, start)) if (part.kind === 'checked') summary.add(part)
    await opened.handle.close()
    const made = summary.finish() ?? assert.fail()
    writeFileSync(manifest(number), encodeManifest(made.manifest))
    writeFileSync(path(`-${number}.index`), made.index)
  }

  it('finds an archive that is not there, or empty, whole', async () => {
    assert.deepEqual((await verifyAll(join(dir, 'nowhere'))).segments, 0)
  })
})
