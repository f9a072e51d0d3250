import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  promises,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { finishAbandoned, finishSegment } from '../../src/archive/abandoned.ts'
import { createArchiveFiles, type FileSystem } from '../../src/archive/files.ts'
import type { ArchiveLine } from '../../src/archive/line.ts'
import { packMember } from '../../src/archive/member.ts'
import { type ArchivePlace, readPlace } from '../../src/archive/place.ts'
import { createArchiveReader } from '../../src/archive/reader.ts'
import { AppError } from '../../src/domain/errors.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import {
  collect,
  copyArchive,
  filesOf,
  lines,
  newArchiveFolder,
  openWriter,
  removeArchiveFolders,
  verifyAll,
} from '../support/archive.ts'

const appender = fileURLToPath(new URL('../fixtures/archive-appender.ts', import.meta.url))

const limits = { segmentLinesMax: 4, segmentAgeMsMax: 60_000_000 }

/** As the next start does it, a day later. */
async function finish(dir: string, fs?: FileSystem): Promise<void> {
  const clock = () => Date.now() + 86_400_000
  const files = createArchiveFiles(dir, fs)
  await finishAbandoned({ files, clock, logger: silentLogger, abandonedAfterMs: 3_600_000 })
}

/** A process that ends before its `left`-th change to the disk: nothing that it does after that has an effect. */
function dyingAfter(left: number): { fs: FileSystem; hasDied: () => boolean } {
  let rest = left
  const spend = () => {
    if (rest-- <= 0) throw new Error('The process has ended.')
  }
  const guarded =
    <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      spend()
      return act(...args)
    }
  const fs = {
    ...promises,
    rename: guarded(promises.rename),
    link: guarded(promises.link),
    unlink: guarded(promises.unlink),
    mkdir: guarded(promises.mkdir),
    open: (async (path: string, flags: string | number, mode?: number) => {
      if (flags === 'wx') spend()
      const handle = await promises.open(path, flags, mode)
      handle.sync = guarded(handle.sync.bind(handle))
      handle.write = guarded(handle.write.bind(handle)) as typeof handle.write
      handle.writeFile = guarded(handle.writeFile.bind(handle))
      return handle
    }) as typeof promises.open,
  } as FileSystem
  return { fs, hasDied: () => rest < 0 }
}

async function assertReadable(dir: string, places: ArchivePlace[], written: ArchiveLine[]): Promise<void> {
  const reader = createArchiveReader({ dir })
  for (const [index, place] of places.entries()) {
    const read = await reader.read(place)
    assert.ok(read.outcome === 'found', read.outcome)
    assert.deepEqual(read.line.data, written[index]?.data)
  }
}

describe('archive after a crash', () => {
  afterEach(removeArchiveFolders)

  it('has everything that was acknowledged, cut at every byte of the last member', async () => {
    const source = newArchiveFolder()
    const writer = openWriter(source)
    const kept = [...(await writer.append(lines(1, 2))), ...(await writer.append(lines(3, 1)))]
    const [torn] = await writer.append(lines(4, 2))
    assert.ok(torn)
    for (let cut = torn.offset; cut < torn.offset + torn.length; cut++) {
      const dir = copyArchive(source)
      truncateSync(filesOf(dir, '.open.ndjson.gz')[0] ?? '', cut)
      const before = await verifyAll(dir)
      assert.deepEqual([before.outcome, before.lines], ['whole', 3], `cut at ${cut}`)
      await finish(dir)
      const { outcome, lines: count, reports } = await verifyAll(dir)
      assert.deepEqual([outcome, count], ['whole', 3], `cut at ${cut}`)
      assert.ok(reports[0]?.outcome === 'whole' && reports[0].state === 'closed')
      await assertReadable(dir, kept, lines(1, 3))
      const aside = filesOf(dir, '.torn').length
      assert.equal(aside, cut > torn.offset ? 1 : 0)
    }
    await writer.close()
  }).timeout(60_000)

  it('takes zeros where the last member should be for torn, and sets them aside', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    const kept = await writer.append(lines(1, 2))
    const [torn] = await writer.append(lines(3, 2))
    const [file = ''] = filesOf(dir, '.open.ndjson.gz')
    writeFileSync(file, readFileSync(file).fill(0, torn?.offset))
    await finish(dir)
    assert.deepEqual((await verifyAll(dir)).lines, 2)
    await assertReadable(dir, kept, lines(1, 2))
    assert.equal(filesOf(dir, '.torn').length, 1)
    await assert.rejects(writer.close())
  })

  it('does not take damage in the middle for torn: nothing is finished, and verify says so', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 2))
    const [middle] = await writer.append(lines(3, 2))
    await writer.append(lines(5, 2))
    const [file = ''] = filesOf(dir, '.open.ndjson.gz')
    const at = (middle?.offset ?? 0) + 30
    const bytes = readFileSync(file)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
    await finish(dir)
    const [fault] = (await verifyAll(dir)).broken
    assert.ok(fault?.outcome === 'broken' && fault.fault === 'bytes-changed' && fault.line === 3)
    assert.deepEqual(readFileSync(filesOf(dir, '.closing.ndjson.gz')[0] ?? ''), bytes)
    await assert.rejects(writer.close())
  })

  it('between any two steps leaves an archive that is whole, and has what was acknowledged', async () => {
    let ended = false
    for (let left = 0; !ended; left++) {
      const dir = newArchiveFolder()
      const { fs, hasDied } = dyingAfter(left)
      const places: ArchivePlace[] = []
      const writer = openWriter(dir, limits, fs)
      for (let i = 0; i < 5; i++) {
        const place = await writer.append(lines(i * 2 + 1, 2)).catch(() => [])
        places.push(...place)
        if (hasDied()) break
      }
      await writer.close().catch(() => {})
      ended = !hasDied()
      assert.equal((await verifyAll(dir)).outcome, 'whole', `after ${left}`)
      await assertReadable(dir, places, lines(1, 10))
      await finish(dir)
      const { outcome, reports } = await verifyAll(dir)
      assert.equal(outcome, 'whole', `after ${left}`)
      assert.ok(reports.every((report) => report.outcome === 'whole' && report.state === 'closed'))
      await assertReadable(dir, places, lines(1, 10))
      assert.deepEqual(filesOf(dir, '.draft'), [])
    }
  }).timeout(60_000)

  it('of the one who finishes, between any two steps, is finished by the next', async () => {
    const source = newArchiveFolder()
    const places = await leaveBehind(source)
    let ended = false
    for (let left = 0; !ended; left++) {
      const dir = copyArchive(source)
      const { fs, hasDied } = dyingAfter(left)
      await finish(dir, fs).catch(() => {})
      ended = !hasDied()
      assert.equal((await verifyAll(dir)).outcome, 'whole', `after ${left}`)
      await assertReadable(dir, places, lines(1, 3))
      await finish(dir)
      const { outcome, reports } = await verifyAll(dir)
      assert.equal(outcome, 'whole', `after ${left}`)
      assert.ok(reports.every((report) => report.outcome === 'whole' && report.state === 'closed'))
      await assertReadable(dir, places, lines(1, 3))
      assert.deepEqual(readdirSync(dir).length, 4, readdirSync(dir).join(' '))
    }
  }).timeout(60_000)

  it('may be finished by several at once', async () => {
    for (let round = 0; round < 20; round++) {
      const dir = newArchiveFolder()
      const places = await leaveBehind(dir)
      await Promise.all(Array.from({ length: 5 }, () => finish(dir)))
      const { outcome, lines: count } = await verifyAll(dir)
      assert.deepEqual([outcome, count], ['whole', 3])
      await assertReadable(dir, places, lines(1, 3))
      assert.equal(readdirSync(dir).length, 4)
    }
  })

  it('removes a segment that never had a line', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 1))
    const [file = ''] = filesOf(dir, '.open.ndjson.gz')
    truncateSync(file, 0)
    await finish(dir)
    assert.deepEqual(readdirSync(dir), [])
    await writer.close().catch(() => {})
  })

  it('makes an index again that is not there', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    await writer.append(lines(1, 3))
    await writer.close()
    const [index = ''] = filesOf(dir, '.index')
    rmSync(index)
    assert.equal((await verifyAll(dir)).outcome, 'broken')
    await finish(dir)
    assert.equal((await verifyAll(dir)).outcome, 'whole')
  })

  it('of a killed process has every line that the process said was kept', async () => {
    for (let round = 0; round < 3; round++) {
      const dir = newArchiveFolder()
      const child = spawn(process.execPath, ['--import', 'tsx', appender, dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const kept: ArchivePlace[] = []
      const exited = once(child, 'exit')
      for await (const text of createInterface(child.stdout)) {
        // The last line may be cut off by the kill.
        const place = readPlace(text)
        if (place) kept.push(place)
        if (kept.length >= 40 + round * 17) child.kill('SIGKILL')
      }
      await exited
      await assertReadable(dir, kept, lines(1, kept.length))
      await finish(dir)
      const { outcome, lines: count } = await verifyAll(dir)
      assert.equal(outcome, 'whole')
      assert.ok(count >= kept.length, `${count} of ${kept.length}`)
      await assertReadable(dir, kept, lines(1, kept.length))
    }
  }).timeout(60_000)

  it('leaves the segment of a writer alone that is at work', async () => {
    const dir = newArchiveFolder()
    const [one, other] = [openWriter(dir), openWriter(dir)]
    await one.append(lines(1, 1))
    await other.append(lines(2, 1))
    await one.append(lines(3, 1))
    await Promise.all([one.close(), other.close()])
    assert.equal((await verifyAll(dir)).reports.length, 2)
  })

  it('is finished by the next writer that begins', async () => {
    const dir = newArchiveFolder()
    await leaveBehind(dir)
    const [file = ''] = filesOf(dir, '.open.ndjson.gz')
    utimesSync(file, 1, 1)
    const next = openWriter(dir)
    await next.append(lines(10, 1))
    await next.close()
    assert.equal(filesOf(dir, '.manifest.json').length, 2)
    assert.equal((await verifyAll(dir)).outcome, 'whole')
  })

  it('a writer that only slept acknowledges nothing in a segment that was finished for it', async () => {
    const dir = newArchiveFolder()
    const writer = openWriter(dir)
    const before = await writer.append(lines(1, 2))
    await finish(dir)
    await assert.rejects(
      writer.append(lines(3, 1)),
      (error) => error instanceof AppError && error.code === 'archive-unavailable',
    )
    const after = await writer.append(lines(3, 1))
    await writer.close()
    const { outcome, lines: count } = await verifyAll(dir)
    assert.deepEqual([outcome, count], ['whole', 3])
    await assertReadable(dir, [...before, ...after], lines(1, 3))
  })

  it('a writer that slept while it closed gives way, whatever the other saw', async () => {
    const dir = newArchiveFolder()
    const other = createArchiveFiles(dir)
    let name = ''
    const fs: FileSystem = {
      ...promises,
      link: async (from, to) => {
        const [listed] = await other.list()
        assert.ok(listed)
        name = listed.segment
        assert.equal(await finishSegment(other, listed), 'finished')
        return promises.link(from, to)
      },
    }
    const writer = openWriter(dir, {}, fs)
    const places = await writer.append(lines(1, 2))
    await assert.rejects(writer.close(), AppError)
    assert.equal((await verifyAll(dir)).outcome, 'whole')
    await assertReadable(dir, places, lines(1, 2))
    assert.ok(places.every(({ segment }) => segment === name))
  })

  it('holds what the first manifest says, also when more has come into the file since', async () => {
    const early = newArchiveFolder()
    const writer = openWriter(early)
    const places = await writer.append(lines(1, 2))
    const late = copyArchive(early)
    const [open = ''] = filesOf(early, '.open.ndjson.gz')
    await writer.append(lines(3, 2))
    copyFileSync(open, join(late, basename(open)))
    truncateSync(open, places[0]?.length)
    await finish(early)
    const [manifest = ''] = filesOf(early, '.manifest.json')
    copyFileSync(manifest, join(late, basename(manifest)))
    await finish(late)
    const { outcome, lines: count } = await verifyAll(late)
    assert.deepEqual([outcome, count], ['whole', 2])
    await assertReadable(late, places, lines(1, 2))
    assert.equal(filesOf(late, '.torn').length, 1)
    await writer.close().catch(() => {})
  })

  it('what was written and not acknowledged may be there twice, and each is found', async () => {
    const dir = newArchiveFolder()
    const first = openWriter(dir)
    await first.append(lines(1, 1))
    await first.append(lines(1, 1))
    await first.close()
    const found = await collect(createArchiveReader({ dir }).find({ id: 'tr-1' }))
    assert.equal(found.length, 2)
  })

  it('a whole member that lies in a torn tail is not overlooked', async () => {
    const dir = newArchiveFolder()
    await leaveBehind(dir)
    const [file = ''] = filesOf(dir, '.open.ndjson.gz')
    const member = await packMember(Buffer.from('{}\n'))
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('torn'), member]))
    assert.equal((await verifyAll(dir)).outcome, 'broken')
  })
})

/** What a killed process leaves: an open segment of three lines, with the beginning of an append that it never finished. */
async function leaveBehind(dir: string): Promise<ArchivePlace[]> {
  const handles: promises.FileHandle[] = []
  const open = (async (path: string, flags: string | number, mode?: number) => {
    const handle = await promises.open(path, flags, mode)
    if (flags === 'wx') handles.push(handle)
    return handle
  }) as typeof promises.open
  const writer = openWriter(dir, {}, { ...promises, open })
  const places = [...(await writer.append(lines(1, 2))), ...(await writer.append(lines(3, 1)))]
  for (const handle of handles) await handle.close()
  const [file = ''] = filesOf(dir, '.open.ndjson.gz')
  const half = (await packMember(Buffer.from('{"n":4}\n'))).subarray(0, 25)
  writeFileSync(file, Buffer.concat([readFileSync(file), half]))
  return places
}
