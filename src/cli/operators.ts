/** `tallyhook operators`: who may sign in to the console by name and password. */
import { describeFixed, keyPrefix } from '../compose/base.ts'
import { createOperatorParts } from '../compose/operators.ts'
import { type Config, loadConfig } from '../config/config.ts'
import type { AuditFacts } from '../domain/audit.ts'
import { findPasswordFault } from '../domain/password-rules.ts'
import { isRole, type Role, roles } from '../domain/roles.ts'
import { createKeys } from '../store/keys.ts'
import { refuseDifference } from '../store/meta.ts'
import { isOperatorName, type Operator, type OperatorChange } from '../store/operators.ts'
import { parseArguments, usage } from './arguments.ts'
import { createOnRecord, type OnRecord } from './audit-parts.ts'
import { connectDirectly } from './direct-redis.ts'
import { type Output, processOutput } from './output.ts'
import { readPassword } from './read-password.ts'

const help = `tallyhook operators: who may sign in to the console by name and password

Usage: tallyhook operators <command> [options]
  list              all of them, with their roles
  add <name>        one more; the password is asked for, or read from standard input
  passwd <name>     another password; ends their sessions
  role <name>       another role, by --role; ends their sessions
  disable <name>    lets them in no more, and ends their sessions
  enable <name>     lets them in again
  unlock <name>     after too many failed attempts, without the wait
  remove <name>     forgets them, and ends their sessions

Options
  --role ROLE           viewer: looks. operator: acts as well. admin: may all
  --password-file FILE  add, passwd: its first line
  --by NAME             who says so (default cli)
  --json                prints the result as JSON
`

const options = {
  role: { type: 'string' },
  'password-file': { type: 'string' },
  by: { type: 'string', default: 'cli' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Flags = ReturnType<typeof parseArguments<typeof options>>['values']

interface Parts extends ReturnType<typeof createOperatorParts> {
  config: Config
  onRecord: OnRecord
}

type Act = (parts: Parts, name: string, flags: Flags, output: Output) => Promise<number>

/** 0 done, 1 it failed, 2 the words of the command are off. */
export async function runOperators(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command = '', name, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  const act = acts.get(command)
  if ((command !== 'list' && !act) || (act !== undefined) !== (name !== undefined) || more.length > 0) {
    output.err('tallyhook operators: which command? tallyhook operators --help lists them.\n')
    return 2
  }
  const config = loadConfig(env, false)
  const redis = await connectDirectly(config)
  try {
    const keys = createKeys(keyPrefix, config.partitions)
    await refuseDifference(redis, keys, describeFixed(config))
    const onRecord = createOnRecord(redis, keys, config)
    const parts = { ...createOperatorParts(redis, keys), config, onRecord }
    return act && name !== undefined
      ? await act(parts, name, flags, output)
      : await list(parts, flags, output)
  } finally {
    redis.disconnect()
  }
}

async function list({ operators }: Parts, { json }: Flags, output: Output): Promise<number> {
  const items = (await operators.list()).map(present)
  if (json) output.out(`${JSON.stringify({ items })}\n`)
  else
    for (const { name, role, disabled, changedAt } of items)
      output.out(`${name}  ${role}  ${disabled ? 'disabled' : 'enabled'}  changed ${changedAt}\n`)
  return 0
}

function present({ name, role, disabled = false, createdAt, changedAt }: Operator) {
  const [created, changed] = [new Date(createdAt), new Date(changedAt)].map((time) => time.toISOString())
  return { name, role, disabled, createdAt: created, changedAt: changed }
}

const add: Act = async ({ operators, passwords, config, onRecord }, name, flags, output) => {
  if (!isOperatorName(name))
    throw usage('The name must be 2 to 64 lower-case letters, digits, dots, hyphens, underscores and @.')
  if (config.tokens.some(({ id }) => id === name)) throw usage(`There is a token of the name ${name}.`)
  const role = readRole(flags)
  const password = await passwords.hash(await readNew(name, flags))
  return onRecord({ by: flags.by, action: 'operator.add', target: name }, async (note) => {
    if ((await operators.add({ name, role, password })) === 'taken') throw usage(`There is a ${name}.`)
    note({ after: { role, enabled: true } })
    return say(output, flags, { name, role }, `${name} may sign in as ${role}.`)
  })
}

const passwd: Act = async (parts, name, flags, output) => {
  await find(parts, name)
  const password = await parts.passwords.hash(await readNew(name, flags))
  await change(parts, name, flags, 'operator.passwd', { password })
  await parts.failures.forget(name)
  return say(output, flags, { name }, `${name} has another password, and is signed out everywhere.`)
}

const setRole: Act = async (parts, name, flags, output) => {
  const role = readRole(flags)
  await change(parts, name, flags, 'operator.role', { role })
  return say(output, flags, { name, role }, `${name} is ${role} now.`)
}

const setDisabled =
  (disabled: boolean): Act =>
  async (parts, name, flags, output) => {
    await change(parts, name, flags, disabled ? 'operator.disable' : 'operator.enable', { disabled })
    const said = disabled ? 'is let in no more.' : 'may sign in again.'
    return say(output, flags, { name, disabled }, `${name} ${said}`)
  }

const unlock: Act = async (parts, name, flags, output) => {
  await find(parts, name)
  const action = { by: flags.by, action: 'operator.unlock', target: name }
  await parts.onRecord(action, () => parts.failures.forget(name))
  return say(output, flags, { name }, `${name} may try again.`)
}

const remove: Act = async (parts, name, flags, output) => {
  const before = await find(parts, name)
  const action = { by: flags.by, action: 'operator.remove', target: name }
  await parts.onRecord(action, async (note) => {
    note({ before: factsOf(before) })
    await parts.operators.remove(name)
  })
  return say(output, flags, { name }, `${name} is no operator any more.`)
}

const acts: ReadonlyMap<string, Act> = new Map([
  ['add', add],
  ['passwd', passwd],
  ['role', setRole],
  ['disable', setDisabled(true)],
  ['enable', setDisabled(false)],
  ['unlock', unlock],
  ['remove', remove],
])

async function change(parts: Parts, name: string, { by }: Flags, action: string, wanted: OperatorChange) {
  const before = await find(parts, name)
  await parts.onRecord({ by, action, target: name }, async (note) => {
    const after = await parts.operators.change(name, wanted)
    if (!after) throw noSuchOperator(name)
    note({ before: factsOf(before), after: factsOf(after) })
  })
}

async function find({ operators }: Parts, name: string): Promise<Operator> {
  const found = await operators.find(name)
  if (!found) throw noSuchOperator(name)
  return found
}

function noSuchOperator(name: string) {
  return usage(`There is no operator ${name}.`)
}

function factsOf({ role, disabled = false }: Operator): AuditFacts {
  return { role, enabled: !disabled }
}

function readRole({ role }: Flags): Role {
  if (!isRole(role)) throw usage(`--role: it must be one of ${roles.join(', ')}.`)
  return role
}

async function readNew(name: string, flags: Flags): Promise<string> {
  const password = await readPassword({ file: flags['password-file'] })
  const fault = findPasswordFault(password, name)
  if (fault !== undefined) throw usage(`The password is not taken. ${fault}`)
  return password
}

function say(output: Output, { json }: Flags, result: object, sentence: string): number {
  output.out(json ? `${JSON.stringify(result)}\n` : `${sentence}\n`)
  return 0
}
