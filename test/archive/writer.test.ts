import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { promises, readFileSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { formatPlace, readPlace } from '../../src/archive/place.ts'
import { createArchiveReader } from '../../src/archive/reader.ts'
import { AppError } from '../../src/domain/errors.ts'
import {
  filesOf,
  line,
  lines,
  newArchiveFolder,
  openWriter,
  removeArchiveFolders,
  verifyAll,
} from '../support/archive.ts'
import { until } from '../support/until.ts'

describe('archive writer', () => {
  afterEach(removeArchiveFolders)

  it('writes NDJSON that zcat shows and sha256sum checks', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 3))
    await writer.append(lines(4, 2))
    await writer.close()
    const [file = ''] = filesOf(dir, '.ndjson.gz')
    const shown = execFileSync('zcat', [file]).toString().split('\n').slice(0, -1)
    assert.equal(shown.length, 5)
    let prev = createHash('sha256').update(basename(file).slice(0, 16)).digest('hex')
    for (const [index, text] of shown.entries()) {
      const { n, prev: noted, ...rest } = JSON.parse(text)
      assert.equal(n, index + 1)
      assert.equal(noted, prev)
      assert.deepEqual(rest, line(index + 1))
      prev = execFileSync('sha256sum', { input: text }).toString().slice(0, 64)
    }
    const manifest = JSON.parse(readFileSync(filesOf(dir, '.manifest.json')[0] ?? '', 'utf8'))
    assert.equal(manifest.last.hash, prev)
    assert.equal(manifest.sha256, execFileSync('sha256sum', [file]).toString().slice(0, 64))
    assert.deepEqual(manifest.kinds, { receipt: 1, transfer: 4 })
    assert.deepEqual([manifest.from, manifest.to], [line(1).at, line(5).at])
  })

  it('gives every line a place at which it is read again, open or closed', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir, { segmentLinesMax: 4 })
    const reader = createArchiveReader({ dir })
    const places = [...(await writer.append(lines(1, 3))), ...(await writer.append(lines(4, 3)))]
    places.push(...(await writer.append(lines(7, 1))))
    const check = async () => {
      for (const [index, place] of places.entries()) {
        const read = await reader.read(place)
        assert.ok(read.outcome === 'found')
        assert.deepEqual(read.line.data, line(index + 1).data)
        assert.deepEqual(readPlace(formatPlace(place)), place)
      }
    }
    await check()
    await writer.close()
    await check()
    assert.equal(filesOf(dir, '.manifest.json').length, 2)
  })

  it('lets nobody else read it', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 1))
    await writer.close()
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    for (const file of filesOf(dir, '')) assert.equal(statSync(file).mode & 0o777, 0o600, file)
    assert.equal(filesOf(dir, '').length, 3)
  })

  it('syncs the member before it answers, and the folder before the first answer', async () => {
    const dir = newArchiveFolder()
    const seen: string[] = []
    const fs = {
      ...promises,
      open: (async (path: string, ...rest: [string]) => {
        const handle = await promises.open(path, ...rest)
        const name = path === dir ? 'folder' : path === dirname(dir) ? 'parent' : 'file'
        const [sync, write] = [handle.sync.bind(handle), handle.write.bind(handle)]
        handle.sync = async () => {
          await sync()
          seen.push(`sync ${name}`)
        }
        handle.write = (async (...args: Parameters<typeof write>) => {
          seen.push(`write ${name}`)
          return write(...args)
        }) as typeof handle.write
        return handle
      }) as typeof promises.open,
    }
    const writer = openWriter(dir, {}, fs)
    await writer.append(lines(1, 1))
    assert.deepEqual(seen, ['sync parent', 'sync folder', 'write file', 'sync file'])
    await writer.append(lines(2, 1))
    assert.deepEqual(seen.slice(4), ['write file', 'sync file'])
    await writer.close()
  })

  it('puts appends that wait for one another into one member', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 1))
    const places = await Promise.all([
      writer.append(lines(2, 1)),
      writer.append(lines(3, 2)),
      writer.append(lines(5, 1)),
    ])
    const members = new Set(places.flat().map(({ offset }) => offset))
    assert.ok(members.size <= 2, `${members.size}`)
    assert.equal((await verifyAll(dir)).lines, 5)
    await writer.close()
  })

  it('divides what is more than one member, and keeps the order', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir, { memberBytesMax: 500, segmentBytesMax: 1500 })
    const places = await writer.append(lines(1, 40))
    assert.ok(new Set(places.map(({ offset, segment }) => `${segment}:${offset}`)).size > 5)
    await writer.close()
    const { outcome, lines: count, reports } = await verifyAll(dir)
    assert.deepEqual([outcome, count], ['whole', 40])
    assert.ok(reports.length > 1)
  })

  it('closes a segment that has its age, also when nothing more comes', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir, { segmentAgeMsMax: 20 })
    await writer.append(lines(1, 1))
    await until('the segment to be closed', () => filesOf(dir, '-1.ndjson.gz').length === 1)
    await writer.append(lines(2, 1))
    await writer.close()
    assert.deepEqual((await verifyAll(dir)).lines, 2)
  })

  it('refuses what it could not read again, and takes the rest', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    const bad = [line(1, { kind: 'Not a kind' }), line(1, { at: 1.5 }), line(1, { id: '' })]
    const asked = [...bad.map((each) => writer.append([each])), writer.append(lines(1, 1))]
    const outcomes = await Promise.allSettled(asked)
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected', 'fulfilled'],
    )
    await writer.close()
    assert.deepEqual((await verifyAll(dir)).lines, 1)
  })

  it('goes on in a new chain after a write that failed', async () => {
    const dir = newArchiveFolder()
    let fails = false
    const fs = {
      ...promises,
      open: (async (path: string, ...rest: [string]) => {
        const handle = await promises.open(path, ...rest)
        const sync = handle.sync.bind(handle)
        handle.sync = () =>
          fails ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) : sync()
        return handle
      }) as typeof promises.open,
    }
    const writer = openWriter(dir, {}, fs)
    await writer.append(lines(1, 2))
    fails = true
    for (const number of [3, 4])
      await assert.rejects(
        writer.append(lines(number, 1)),
        (error) =>
          error instanceof AppError && error.code === 'archive-unavailable' && error.retry === 'backoff',
      )
    fails = false
    const [place] = await writer.append(lines(5, 1))
    assert.ok(place)
    await writer.close()
    const { outcome, reports } = await verifyAll(dir)
    assert.equal(outcome, 'whole')
    // The attempt in between left no file.
    assert.equal(reports.length, 2)
    assert.equal((await createArchiveReader({ dir }).read(place)).outcome, 'found')
  })

  it('lets several writers share the folder', async () => {
    const dir = newArchiveFolder()
    const writers = Array.from({ length: 6 }, () =>
      openWriter(dir, { segmentLinesMax: 7, segmentAgeMsMax: 60_000 }),
    )
    const places = await Promise.all(
      writers.map(async (writer, w) => {
        const all = []
        for (let i = 0; i < 10; i++) all.push(...(await writer.append(lines(w * 1000 + i * 3, 3))))
        return all
      }),
    )
    const midway = await verifyAll(dir)
    assert.equal(midway.outcome, 'whole')
    assert.equal(midway.lines, 180)
    await Promise.all(writers.map((writer) => writer.close()))
    const after = await verifyAll(dir)
    assert.deepEqual([after.outcome, after.lines, Object.keys(after.heads).length], ['whole', 180, 6])
    assert.equal(new Set(places.flat().map(formatPlace)).size, 180)
  })
})
