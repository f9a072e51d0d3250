/**
 * What of Bull Board may be reached, as a list: reading, and retrying what failed. Everything else it can do (clean,
 * empty, remove, obliterate, promote, pause, edit, add) would destroy or forge receipts, and is refused, as is whatever
 * a later version adds.
 *
 * A job's id has to look like one of ours and a queue has to be one of ours, because Bull Board has routes that differ
 * only there: `…/callbacks/clean/retry` cleans, it does not retry a job named "clean".
 */
export type BoardAccess = 'read' | 'retry'

const jobIdPattern = /^(rc|group)-[0-9a-z]{26}$/

const reading = [
  '/',
  '/queue/:queue',
  '/queue/:queue/:job',
  '/api/queues',
  '/api/redis/stats',
  '/api/job-schedulers',
  '/api/queues/:queue/metrics',
  '/api/queues/:queue/default-job-options',
  '/api/queues/:queue/workers',
  '/api/queues/:queue/rate-limit',
  '/api/queues/:queue/job-data-schema',
  '/api/queues/:queue/:job',
  '/api/queues/:queue/:job/logs',
  '/api/queues/:queue/:job/flow',
]
const retrying = ['/api/queues/:queue/:job/retry', '/api/queues/:queue/retry/failed']

/** The files of its page: a few folders deep, and nothing that could climb out. */
const assetPattern = /^\/static\/(?:[A-Za-z0-9_-]+\/){0,3}[A-Za-z0-9_.-]+$/

export function findBoardAccess(
  method: string,
  path: string,
  queues: readonly string[],
): BoardAccess | undefined {
  const matches = (route: string) => matchRoute(route, path, queues)
  if (method === 'GET' || method === 'HEAD') {
    if (assetPattern.test(path) && !path.includes('..')) return 'read'
    return reading.some(matches) ? 'read' : undefined
  }
  return method === 'PUT' && retrying.some(matches) ? 'retry' : undefined
}

/** Letter for letter: what Express would also take (another case, a slash more) is simply not on the list. */
function matchRoute(route: string, path: string, queues: readonly string[]): boolean {
  const wanted = route.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return false
  return wanted.every((part, index) => {
    const actual = given[index] ?? ''
    if (part === ':queue') return queues.includes(actual)
    if (part === ':job') return jobIdPattern.test(actual)
    return part === actual
  })
}
