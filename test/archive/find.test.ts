import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { createArchiveFiles } from '../../src/archive/files.ts'
import type { ArchiveQuery } from '../../src/archive/find.ts'
import { encodeIndex, type IndexEntry, idKey, searchIndex } from '../../src/archive/index-file.ts'
import type { ArchiveLine } from '../../src/archive/line.ts'
import { type ArchivePlace, readPlace, readSegmentName } from '../../src/archive/place.ts'
import { createArchiveReader } from '../../src/archive/reader.ts'
import {
  collect,
  copyArchive,
  filesOf,
  line,
  lines,
  newArchiveFolder,
  openWriter,
  removeArchiveFolders,
  verifyAll,
} from '../support/archive.ts'

describe('archive find', () => {
  let source: string
  let dir: string
  const written: ArchiveLine[] = []

  /** Two writers, closed segments, and one that is open. */
  before(async () => {
    source = newArchiveFolder()
    const accounts = ['acme', 'beta', 'gamma']
    const add = async (from: number, count: number, limit: number, isLeftOpen = false) => {
      const writer = openWriter(source, { segmentLinesMax: limit })
      const all = lines(from, count).map((each, i) => ({ ...each, account: accounts[i % 3] ?? '' }))
      written.push(...all)
      for (let i = 0; i < all.length; i += 3) await writer.append(all.slice(i, i + 3))
      if (!isLeftOpen) await writer.close()
      return writer
    }
    await add(1, 30, 9)
    await add(100, 20, 7)
    const open = await add(200, 5, 100, true)
    dir = copyArchive(source)
    await open.close()
  })
  after(removeArchiveFolders)

  const find = async (query: ArchiveQuery, from = dir) => {
    const damaged: string[] = []
    const found = await collect(createArchiveReader({ dir: from }).find(query, (name) => damaged.push(name)))
    return { ids: found.map(({ line: { id } }) => id).sort(), found, damaged }
  }
  const expected = (query: ArchiveQuery) =>
    written
      .filter(
        (each) =>
          (query.id ?? each.id) === each.id &&
          (query.reference ?? each.reference) === each.reference &&
          (query.account ?? each.account) === each.account &&
          (query.kind ?? each.kind) === each.kind &&
          (query.from ?? each.at) <= each.at &&
          (query.to ?? each.at) >= each.at,
      )
      .map(({ id }) => id)
      .sort()

  it('finds what a look at every line finds, whatever is asked', async () => {
    const some = fc.constantFrom(...written)
    const query: fc.Arbitrary<ArchiveQuery> = fc.record(
      {
        id: some.map(({ id }) => id),
        reference: some.map(({ reference }) => reference ?? ''),
        account: fc.constantFrom('acme', 'beta', 'gamma', 'none', '__proto__'),
        kind: fc.constantFrom('transfer', 'receipt'),
        from: some.map(({ at }) => at),
        to: some.map(({ at }) => at),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(query, async (asked) => assert.deepEqual((await find(asked)).ids, expected(asked))),
      { numRuns: 150 },
    )
  })

  it('gives the place of what it finds', async () => {
    const { found } = await find({ id: 'tr-104' })
    assert.equal(found.length, 1)
    const [first] = found
    assert.ok(first)
    const read = await createArchiveReader({ dir }).read(first.place)
    assert.ok(read.outcome === 'found')
    assert.deepEqual(read.line, first.line)
  })

  it('opens no segment that cannot hold it', async () => {
    const copy = copyArchive(dir)
    for (const file of filesOf(copy, '.ndjson.gz')) truncateSync(file, 30)
    assert.equal((await find({ id: 'tr-nothing' }, copy)).damaged.length, 0)
    assert.equal((await find({ account: 'none' }, copy)).damaged.length, 0)
    assert.equal((await find({ to: 5 }, copy)).damaged.length, 0)
    assert.equal((await find({ id: 'tr-2' }, copy)).damaged.length, 1)
    assert.ok((await find({ kind: 'receipt' }, copy)).damaged.length > 3)
  })

  it('does without an index', async () => {
    const copy = copyArchive(dir)
    for (const file of filesOf(copy, '.index')) rmSync(file)
    assert.deepEqual((await find({ id: 'tr-104' }, copy)).ids, ['tr-104'])
  })

  it('tells what is damaged, and finds what is elsewhere', async () => {
    const copy = copyArchive(dir)
    const [manifest = '', ...others] = filesOf(copy, '.manifest.json')
    writeFileSync(manifest, 'nothing')
    const { ids, damaged } = await find({ reference: 'ref-104' }, copy)
    assert.deepEqual([ids, damaged.length], [['tr-104'], 1])
    assert.ok(others.length > 3)
  })

  it('searches an index of any size, also with many lines of one id', async () => {
    const folder = newArchiveFolder()
    const files = createArchiveFiles(folder)
    await files.makeFolder()
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3000),
        fc.integer({ min: 1, max: 2500 }),
        fc.nat(),
        async (other, many, seed) => {
          const entries: IndexEntry[] = Array.from({ length: other }, (_, i) => ({
            key: idKey(`${seed}-${i}`),
            offset: i,
            line: i % 7,
          }))
          const wanted = Array.from({ length: many }, (_, i) => ({
            key: idKey('many'),
            offset: i * 1000,
            line: 3,
          }))
          const path = join(folder, 'an-index')
          await files.put(path, encodeIndex([...entries, ...wanted]))
          const handle = (await files.openIfThere(path)) ?? assert.fail()
          try {
            assert.deepEqual(await searchIndex(handle, idKey('many')), wanted)
            assert.deepEqual(await searchIndex(handle, idKey('none')), [])
            for (const entry of entries.slice(0, 3))
              assert.deepEqual(await searchIndex(handle, entry.key), [entry])
          } finally {
            await handle.close()
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('holds no more than a member of a big segment', async () => {
    const big = newArchiveFolder()
    const writer = openWriter(big, { segmentBytesMax: 1_000_000_000 })
    // Random letters pack badly: the file has about 70 MB.
    const data = randomBytes(1_500_000).toString('base64')
    for (let i = 0; i < 48; i += 8)
      await writer.append(Array.from({ length: 8 }, (_, j) => line(i + j, { data: `${i + j}${data}` })))
    await writer.close()
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const reader = createArchiveReader({ dir: big })
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 1)
    try {
      assert.equal((await reader.verify()).outcome, 'whole')
      assert.equal((await collect(reader.find({ kind: 'none' }))).length, 0)
      assert.equal((await collect(reader.find({ id: 'tr-37' }))).length, 1)
    } finally {
      clearInterval(watch)
    }
    assert.ok(statSync(filesOf(big, '.ndjson.gz')[0] ?? '').size > 70_000_000)
    assert.ok(most < 35_000_000, `${most} bytes`)
  }).timeout(60_000)
})

describe('a place from outside', () => {
  after(removeArchiveFolders)

  const outside = [
    '../x',
    '..',
    '/etc/passwd',
    'a/b',
    '0000000000000000-1/../..',
    '0000000000000000-0',
    '',
    '\0',
  ]

  it('is refused where it is not a segment of ours', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    const [place] = await writer.append(lines(1, 1))
    await writer.close()
    assert.ok(place)
    const reader = createArchiveReader({ dir })
    for (const segment of outside) {
      assert.equal(readSegmentName(segment), undefined, segment)
      assert.equal(readPlace(`${segment}:0:10:0`), undefined, segment)
      assert.deepEqual(await reader.read({ ...place, segment }), { outcome: 'missing' })
    }
    const odd: Partial<ArchivePlace>[] = [{ offset: -1 }, { offset: 0.5 }, { length: 1e12 }, { line: -1 }]
    for (const part of odd) assert.deepEqual(await reader.read({ ...place, ...part }), { outcome: 'missing' })
    for (const part of [{ offset: 1 }, { length: 30 }, { line: 1 }])
      assert.deepEqual(await reader.read({ ...place, ...part }), { outcome: 'damaged' })
  })

  it('never crashes the reader, and reads back as it was written', () => {
    fc.assert(fc.property(fc.string(), (text) => readPlace(text) === undefined || text.length > 20))
  })

  it('is not followed through a link out of the folder', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    const [place] = await writer.append(lines(1, 1))
    await writer.close()
    assert.ok(place)
    const [file = ''] = filesOf(dir, '.ndjson.gz')
    const elsewhere = join(dirname(dir), 'elsewhere')
    writeFileSync(elsewhere, '')
    rmSync(file)
    symlinkSync(elsewhere, file)
    assert.deepEqual(await createArchiveReader({ dir }).read(place), { outcome: 'missing' })
    assert.equal((await verifyAll(dir)).outcome, 'broken')
  })
})
