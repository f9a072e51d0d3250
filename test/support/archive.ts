/** An archive in a folder of its own, small enough to be cut at every byte. */
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArchiveLimits } from '../../src/archive/chain.ts'
import type { FileSystem } from '../../src/archive/files.ts'
import type { ArchiveLine } from '../../src/archive/line.ts'
import { createArchiveReader } from '../../src/archive/reader.ts'
import type { SegmentReport } from '../../src/archive/segment-report.ts'
import type { VerifyOptions } from '../../src/archive/verify.ts'
import { createArchiveWriter } from '../../src/archive/writer.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'

const folders: string[] = []

/** The folder itself is the archive's to make. */
export function newArchiveFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-archive-'))
  folders.push(folder)
  return join(folder, 'archive')
}

export function copyArchive(dir: string): string {
  const copy = newArchiveFolder()
  cpSync(dir, copy, { recursive: true, preserveTimestamps: true })
  return copy
}

export function removeArchiveFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

export function openWriter(dir: string, limits: Partial<ArchiveLimits> = {}, fs?: FileSystem) {
  return createArchiveWriter({ dir, clock: Date.now, randomBytes, logger: silentLogger, limits, fs })
}

export function line(number: number, words: Partial<ArchiveLine> = {}): ArchiveLine {
  const kind = number % 3 === 0 ? 'receipt' : 'transfer'
  const at = 1_700_000_000_000 + number * 1000
  return {
    kind,
    id: `tr-${number}`,
    account: 'acme',
    reference: `ref-${number}`,
    at,
    data: { number },
    ...words,
  }
}

export function lines(from: number, count: number): ArchiveLine[] {
  return Array.from({ length: count }, (_, i) => line(from + i))
}

export async function verifyAll(dir: string, options: VerifyOptions = {}) {
  const reports: SegmentReport[] = []
  const result = await createArchiveReader({ dir }).verify({
    ...options,
    onSegment: (report) => reports.push(report),
  })
  return { ...result, reports, broken: reports.filter((report) => report.outcome === 'broken') }
}

/** In the order of their numbers, as long as there are fewer than ten. */
export function filesOf(dir: string, ending: string): string[] {
  return (existsSync(dir) ? readdirSync(dir) : [])
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(dir, name))
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
