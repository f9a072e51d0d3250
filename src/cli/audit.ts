/** `tallyhook audit`: what people did, and whether the record of it is as it was written. */

import { createAuditParts } from '../compose/audit.ts'
import { describeFixed, keyPrefix } from '../compose/base.ts'
import { loadConfig } from '../config/config.ts'
import { type AuditResource, listAudit, readAuditPlace } from '../http/api/audit.ts'
import { chainStart, readEnd, writeEnd } from '../store/audit-chain.ts'
import type { AuditReading } from '../store/audit-reading.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { parseArguments, readLimit, usage } from './arguments.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook audit: what people did

Usage: tallyhook audit <command> [options]
  list     the newest first
  verify   looks whether every entry is there and as it was written; exits 1 if not. It says the head of the chain:
           keep that elsewhere, and give it as --head later, to see as well that none of the newest was cut off

Options
  --who ID         list: of this token or operator alone
  --action NAME    list: this alone, as case.resolve
  --target ID      list: what was done to this
  --after NEXT     list: those behind the end of an earlier list
  --limit N        list: how many (default 100)
  --head "N MARK"  verify: a head that an earlier run said
  --json           prints the result as JSON
`

const options = {
  who: { type: 'string' },
  action: { type: 'string' },
  target: { type: 'string' },
  after: { type: 'string' },
  limit: { type: 'string', default: '100' },
  head: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

/** 0 done, 1 it is not as it was written, 2 the words of the command are off. */
export async function runAudit(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  const act = command === 'list' ? list : command === 'verify' ? verify : undefined
  if (!act || more.length > 0) {
    output.err('tallyhook audit: which command? tallyhook audit --help lists them.\n')
    return 2
  }
  const config = loadConfig(env, false)
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    return await act(createAuditParts(redis, keys, config).reading, flags, output)
  } finally {
    redis.disconnect()
  }
}

async function list(reading: AuditReading, flags: Flags, output: Output): Promise<number> {
  const { who, action, target, after, json } = flags
  const limit = readLimit(flags.limit)
  if (after !== undefined && !/^au-[1-9]\d{0,14}$/.test(after))
    throw usage('--after: it is not the end of an earlier list.')
  const page = await listAudit(reading, { who, action, target, limit, before: readAuditPlace(after) })
  if (json) output.out(`${JSON.stringify(page)}\n`)
  else {
    for (const one of page.items) output.out(`${describe(one)}\n`)
    if (page.next) output.err(`There are more: --after ${page.next}\n`)
  }
  return 0
}

function describe({ id, at, who, via, action, target, outcome, code, reason }: AuditResource): string {
  const parts = [id, at, `${who} (${via})`, action, target, outcome, code, reason && `because: ${reason}`]
  return parts.filter((part) => part !== undefined).join('  ')
}

async function verify(reading: AuditReading, { head, json }: Flags, output: Output): Promise<number> {
  const kept = head === undefined ? undefined : readEnd(head.trim())
  if (kept === chainStart) throw usage('--head: it is not as this command says it.')
  const verdict = await reading.verify(kept)
  const isIntact = verdict.outcome === 'intact'
  if (json) output.out(`${JSON.stringify(verdict)}\n`)
  else if (isIntact)
    output.out(
      `${verdict.entries} entries from au-${verdict.from}, all as they were written.\nhead: ${writeEnd(verdict.head)}\n`,
    )
  else output.out(`au-${verdict.at}: ${verdict.why}\n`)
  return isIntact ? 0 : 1
}
