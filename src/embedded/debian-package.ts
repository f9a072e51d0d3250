/**
 * The distribution's redis-server and what it needs, fetched by apt and unpacked by dpkg into a folder of ours. Neither
 * root nor the system's own state is touched: apt gets folders of its own for lists, cache and locks. The folder
 * appears whole or not at all.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RedisServer } from './find-server.ts'

const run = promisify(execFile)

/** A slow mirror may take this long; a dead one must not take for ever. */
const stepMsMax = 120_000

export function findUnpacked(folder: string): RedisServer | undefined {
  // In Debian's package redis-server is a link to redis-check-rdb, which comes with redis-tools.
  const path = join(folder, 'usr/bin/redis-server')
  if (!existsSync(path)) return undefined
  return { path, env: { LD_LIBRARY_PATH: libraryFolders(folder).join(':') } }
}

export async function fetchDebianRedis(folder: string, env: NodeJS.ProcessEnv): Promise<RedisServer> {
  const work = `${folder}.${process.pid}`
  rmSync(work, { recursive: true, force: true })
  const archives = join(work, 'archives')
  const root = join(work, 'root')
  for (const each of [join(archives, 'partial'), join(work, 'lists/partial'), root])
    mkdirSync(each, { recursive: true })
  try {
    await download(work, archives, env)
    const packages = readdirSync(archives).filter((name) => name.endsWith('.deb'))
    for (const name of packages)
      await run('dpkg', ['-x', join(archives, name), root], { env, timeout: stepMsMax })
    rmSync(folder, { recursive: true, force: true })
    renameSync(root, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const server = findUnpacked(folder)
  if (!server) throw new Error('The packages hold no redis-server.')
  return server
}

/** The system's lists are tried first, since they are there; where they are none, or old, our own are fetched. */
async function download(work: string, archives: string, env: NodeJS.ProcessEnv): Promise<void> {
  const shared = [
    '-q',
    '-y',
    ...options({
      'Debug::NoLocking': 'true',
      'APT::Sandbox::User': '',
      'Dir::Cache': work,
      'Dir::Cache::archives': archives,
    }),
  ]
  const own = [...shared, ...options({ 'Dir::State::lists': join(work, 'lists') })]
  // Said of both: where the system has them already, though not on this PATH, apt would fetch nothing.
  const wanted = ['redis-server', 'redis-tools']
  const install = ['--download-only', '--reinstall', '--no-install-recommends', 'install', ...wanted]
  const apt = (args: string[]) => run('apt-get', args, { env: { ...env, LC_ALL: 'C' }, timeout: stepMsMax })
  try {
    await apt([...shared, ...install])
  } catch {
    await apt([...own, 'update'])
    await apt([...own, ...install])
  }
}

function options(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** Debian keeps libraries in a folder named for the machine, as usr/lib/x86_64-linux-gnu. */
function libraryFolders(folder: string): string[] {
  return ['usr/lib', 'lib'].flatMap((base) => {
    const path = join(folder, base)
    if (!existsSync(path)) return []
    return readdirSync(path)
      .filter((name) => name.includes('-linux-'))
      .map((name) => join(path, name))
  })
}
