/** `tallyhook [role | command]`: finds what is meant, and turns a known fault into one sentence and an exit code. */

import { readVersion } from '../compose/version.ts'
import { roles } from '../compose.ts'
import { AppError } from '../domain/errors.ts'
import { runArchive } from './archive.ts'
import { runAudit } from './audit.ts'
import { runCases } from './cases.ts'
import { runDoctor } from './doctor/doctor.ts'
import { runErase } from './erase.ts'
import { runInspect } from './inspect.ts'
import { runKeys } from './keys.ts'
import { runOperators } from './operators.ts'
import { runQuarantine } from './quarantine.ts'
import { runReplay } from './replay.ts'
import { runRequery } from './requery.ts'
import { runRole } from './run-role.ts'
import { runSandbox } from './sandbox.ts'
import { runSend } from './send.ts'
import { runSubscriptions } from './subscriptions.ts'

export const help = `tallyhook: payout callbacks, settled

Usage: tallyhook [role]
  all     everything in one process (default); without TALLYHOOK_CONFIG in sandbox mode
  serve   the callback listener and the private API
  work    the workers

Commands, each with --help
  sandbox        plays both providers, to point Tallyhook or a CI at
  send           sends one signed callback, also a wrong one
  keys           makes, shows and checks keys, and moves what is sealed to a new one
  inspect        says why one transfer, batch, coupon or pay-in is where it is
  cases          shows what only a person can settle, and settles it
  replay         decides once more on callbacks that failed, and says beforehand what would change
  quarantine     shows refused callbacks, and accepts one
  subscriptions  shows those that events are pushed to and what was tried, and sends again
  operators      lets people sign in to the console by name and password
  audit          shows what people did, and whether the record of it is whole
  archive        checks what has left Redis, and finds things in it
  erase          makes what is kept of one person unreadable, for good
  doctor         looks whether everything is as it has to be, and says what to do
  requery        wants the providers asked about everything that is not settled

  --version      says which version this is

Environment: TALLYHOOK_CONFIG, REDIS_URL, CALLBACK_PORT, API_PORT, METRICS_PORT, HOST,
             TALLYHOOK_DATA_DIR, LOG_LEVEL, LOG_FORMAT
`

/** 0 done, 1 it failed, 2 the words of the command are off. */
export async function runCommand(args: string[]): Promise<number> {
  const [name = 'all', ...rest] = args
  try {
    if (name === '--help' || name === '-h' || name === 'help') {
      process.stdout.write(help)
      return 0
    }
    if (name === '--version' || name === '-v' || name === 'version') {
      process.stdout.write(`${readVersion()}\n`)
      return 0
    }
    if (name === 'send') return await runSend(rest)
    if (name === 'keys') return await runKeys(rest)
    if (name === 'doctor') return await runDoctor(rest)
    if (name === 'inspect') return await runInspect(rest)
    if (name === 'cases') return await runCases(rest)
    if (name === 'replay') return await runReplay(rest)
    if (name === 'quarantine') return await runQuarantine(rest)
    if (name === 'erase') return await runErase(rest)
    if (name === 'requery') return await runRequery(rest)
    if (name === 'sandbox') return await runSandbox(rest)
    if (name === 'subscriptions') return await runSubscriptions(rest)
    if (name === 'operators') return await runOperators(rest)
    if (name === 'audit') return await runAudit(rest)
    if (name === 'archive') return await runArchive(rest)
    const role = roles.find((known) => known === name)
    if (role && rest.includes('--help')) {
      process.stdout.write(help)
      return 0
    }
    if (role && rest.length === 0) return await runRole(role)
    process.stderr.write(
      `tallyhook: there is no ${[name, ...rest].join(' ')}; tallyhook --help lists what there is.\n`,
    )
    return 2
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    process.stderr.write(`tallyhook: ${error.detail}\n`)
    return error.code === 'invalid-request' ? 2 : 1
  }
}
