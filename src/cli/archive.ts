/**
 * `tallyhook archive`: checks what has left Redis, and finds things in it. It reads files alone: with --dir it needs
 * neither a configuration nor Redis, so that somebody who audits can run it on a copy.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { ArchiveQuery } from '../archive/find.ts'
import { formatPlace } from '../archive/place.ts'
import { type ArchiveReader, createArchiveReader } from '../archive/reader.ts'
import type { SegmentFault, SegmentReport } from '../archive/segment-report.ts'
import type { ArchiveHeads } from '../archive/verify.ts'
import { loadConfig } from '../config/config.ts'
import { AppError } from '../domain/errors.ts'
import { parseTime } from '../domain/time.ts'
import { parseArguments, usage } from './arguments.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook archive: what has left Redis

Usage: tallyhook archive <command> [options]
  verify          reads all of it and checks every chain; exits 1 if anything is not as it was written
  find [<id>]     prints the lines of an id, or those that the options name, the oldest chain first; exits 1 if there
                  are none

Options
  --dir DIR       the folder; by default the one of the configuration
  --earlier FILE  verify: what an earlier verify --json printed; the ends of its chains have to be there still
  --reference R   find: of this reference
  --account ID    find: of this account
  --kind KIND     find: of this kind
  --from TIME     find: not before this time (RFC 3339)
  --to TIME       find: not after this time
  --json          verify: prints the result as JSON; find: prints each line as JSON on a line of its own
`

const options = {
  dir: { type: 'string' },
  earlier: { type: 'string' },
  reference: { type: 'string' },
  account: { type: 'string' },
  kind: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

/** 0 done, 1 it is broken or nothing was found, 2 the words of the command are off. */
export async function runArchive(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command, id, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  const isKnown = command === 'find' || (command === 'verify' && id === undefined)
  if (!isKnown || more.length > 0) {
    output.err('tallyhook archive: which command? tallyhook archive --help lists them.\n')
    return 2
  }
  const query = command === 'find' ? readQuery(id, flags) : {}
  if (command === 'find' && Object.keys(query).length === 0) {
    output.err(
      'tallyhook archive find: of what? Give an id, --reference, --account, --kind, --from or --to.\n',
    )
    return 2
  }
  const archive = createArchiveReader({ dir: findFolder(flags, env) })
  return command === 'find' ? find(archive, query, flags, output) : verify(archive, flags, output)
}

/** A folder that is not there must not pass for an archive in which nothing is wrong. */
function findFolder(flags: Flags, env: NodeJS.ProcessEnv): string {
  const dir = flags.dir === undefined ? loadConfig(env, false).archive.dir : resolve(flags.dir)
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory())
    throw new AppError('not-found', { detail: `There is no archive in ${dir}.` })
  return dir
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`

async function verify(archive: ArchiveReader, flags: Flags, output: Output): Promise<number> {
  const earlier = flags.earlier === undefined ? {} : readEarlier(flags.earlier)
  const faults: Broken[] = []
  const onSegment = (report: SegmentReport) => {
    if (report.outcome === 'whole') return
    faults.push(report)
    if (!flags.json) output.out(`${describe(report)}\n`)
  }
  const result = await archive.verify({ onSegment, earlier })
  if (flags.json) output.out(`${JSON.stringify({ ...result, faults })}\n`)
  else
    output.out(
      `${count(result.lines, 'line')} in ${count(result.segments, 'segment')} of ${count(Object.keys(result.heads).length, 'chain')}: ${
        result.broken === 0
          ? 'all as they were written'
          : `${count(result.broken, 'segment')} ${result.broken === 1 ? 'is' : 'are'} not as written`
      }.\n`,
    )
  return result.outcome === 'whole' ? 0 : 1
}

async function find(
  archive: ArchiveReader,
  query: ArchiveQuery,
  { json }: Flags,
  output: Output,
): Promise<number> {
  let count = 0
  let damaged = 0
  const onDamaged = (segment: string) => {
    damaged++
    output.err(`${segment} could not be read whole; tallyhook archive verify says why.\n`)
  }
  for await (const { place, line } of archive.find(query, onDamaged)) {
    count++
    output.out(`${JSON.stringify({ place: formatPlace(place), ...line }, null, json ? 0 : 2)}\n`)
  }
  if (count === 0) output.err('Nothing was found.\n')
  return count === 0 || damaged > 0 ? 1 : 0
}

function readQuery(id: string | undefined, { reference, account, kind, from, to }: Flags): ArchiveQuery {
  const times = { from: readTime('from', from), to: readTime('to', to) }
  const asked = Object.entries({ id, reference, account, kind, ...times })
  return Object.fromEntries(asked.filter(([, value]) => value !== undefined))
}

function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = parseTime(text)
  if (time === undefined) throw usage(`--${name}: it must be a time as 2025-01-10T00:00:00Z.`)
  return time
}

const earlierSchema = z.object({
  heads: z.record(z.string(), z.object({ n: z.int().min(1), hash: z.string() })),
})

function readEarlier(file: string): ArchiveHeads {
  try {
    return earlierSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).heads
  } catch {
    throw usage(`--earlier: ${file} is not what verify --json prints.`)
  }
}

type Broken = Extract<SegmentReport, { outcome: 'broken' }>

const sentences: Record<SegmentFault, string> = {
  'line-unreadable': 'a line is none of ours',
  'line-removed': 'a line was removed',
  'line-repeated': 'a line stands there twice',
  'lines-swapped': 'lines have changed places',
  'line-changed': 'a line was changed',
  'bytes-changed': 'bytes were changed',
  'cut-short': 'its end is missing',
  'bytes-added': 'something was added behind its end',
  'segment-missing': 'it is missing',
  'manifest-missing': 'its manifest is missing',
  'manifest-changed': 'its manifest does not say what it holds',
  'index-missing': 'its index is missing',
  'index-changed': 'its index was changed',
  rewritten: 'it was written anew since the earlier run',
}

function describe({ segment, fault, line, fields }: Broken): string {
  const where = line === undefined ? '' : `, from line ${line} of the chain`
  const which = fields === undefined ? '' : ` (differs: ${fields.join(', ')})`
  return `${segment}  ${fault}: ${sentences[fault]}${where}${which}.`
}
