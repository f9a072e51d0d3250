/** `tallyhook keys`: finds which of its commands is meant. No command shows a key that it did not make. */
import { parseArguments } from './arguments.ts'
import { checkKeys } from './keys/check.ts'
import { makeKey } from './keys/make.ts'
import { resealAll } from './keys/reseal.ts'
import { showKeys } from './keys/show.ts'
import { type Output, processOutput } from './output.ts'

const help = `tallyhook keys: makes, shows and checks keys

Usage: tallyhook keys <command> [options]
  make <kind>   a new key, in the form that the configuration takes; kinds:
                  seal      for seal.keys            index   for seal.indexKey
                  token     for api.tokens           hmac    a secret shared with a provider
                  webhook   one as whsec_…           rsa     a pair, 3072 bits
                  ed25519   a pair
  show          every key of the configuration by id or fingerprint, and its use where Redis can be reached
  check         whether every key is readable, strong and the one that was used before; exits 1 if not
  reseal        moves everything that is sealed under an older key to the first of seal.keys; the service may run.
                Restart every process with the new key in the first place before. Can be stopped and run again

Options
  --out FILE    make: the secret or private part goes there, readable for the owner alone, the public part of a pair
                beside it, as FILE.pub; an existing file is kept
  --id ID       make: the id of the seal key or token
  --json        prints the result as JSON
`

const options = {
  out: { type: 'string' },
  id: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

export interface KeysFlags {
  out?: string | undefined
  id?: string | undefined
  json: boolean
}

/** 0 done, 1 it failed or something is wrong, 2 the words of the command are off. */
export async function runKeys(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
  output: Output = processOutput,
): Promise<number> {
  const { values: flags, positionals } = parseArguments(args, options)
  const [command, kind, ...more] = positionals
  if (flags.help) {
    output.out(help)
    return 0
  }
  if (more.length > 0 || (kind !== undefined && command !== 'make')) return explain(output)
  switch (command) {
    case 'make':
      return makeKey(kind, flags, output)
    case 'show':
      return await showKeys(flags, env, output)
    case 'check':
      return await checkKeys(flags, env, output)
    case 'reseal':
      return await resealAll(flags, env, output)
    default:
      return explain(output)
  }
}

function explain(output: Output): number {
  output.err(`tallyhook keys: which command? tallyhook keys --help lists them.\n`)
  return 2
}
