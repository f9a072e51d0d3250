/**
 * Which errors are Redis's own trouble and no fault of what was asked: it is full, away, loading, or another server has
 * just become the master. ioredis and Redis name these only by their text or class. Whatever met one may come again.
 */
import { AppError } from '../domain/errors.ts'

const awayReplies =
  /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|BUSY|MISCONF|TRYAGAIN|NOREPLICAS|UNBLOCKED|MOVED|ASK)\b/

/** Said by the client, not by the server. */
const awayMessages =
  /enableOfflineQueue|Command timed out|Connection is closed|Too many Cluster redirections|None of startup nodes is available|Failed to refresh slots cache|Cluster is (ended|disconnect)|All sentinels are unreachable|ECONNREFUSED|ECONNRESET/

export function describeRedisTrouble(cause: unknown): AppError | undefined {
  if (!(cause instanceof Error)) return undefined
  const { name, message } = cause
  const isReply = name === 'ReplyError'
  if (isReply && message.startsWith('OOM')) return new AppError('redis-full', { cause })
  const away = isReply
    ? awayReplies.test(message)
    : name === 'MaxRetriesPerRequestError' || awayMessages.test(message)
  return away ? new AppError('redis-away', { cause }) : undefined
}
