/** Where the console's pages are. Whatever is put into an address is encoded here. */
import type { IntentKind } from '../../../domain/intent.ts'
import { kindOf } from '../../../store/ids.ts'
import { boardPath, opsPath, signOutPath } from '../paths.ts'

export const consolePaths = {
  overview: opsPath,
  figures: `${opsPath}/figures`,
  search: `${opsPath}/search`,
  cases: `${opsPath}/cases`,
  subscriptions: `${opsPath}/subscriptions`,
  accounts: `${opsPath}/accounts`,
  quarantine: `${opsPath}/quarantine`,
  receipts: `${opsPath}/receipts`,
  audit: `${opsPath}/audit`,
  queues: boardPath,
  docs: '/docs',
  signOut: signOutPath,
  styles: `${opsPath}/console.css`,
  script: `${opsPath}/console.js`,
} as const

export const folders: Record<IntentKind, string> = {
  transfer: 'transfers',
  batch: 'batches',
  coupon: 'coupons',
  collection: 'pay-ins',
}

export function pathOfIntent(id: string): string {
  return `${opsPath}/${folders[kindOf(id as Parameters<typeof kindOf>[0])]}/${encodeURIComponent(id)}`
}

export const pathOfCase = (id: string) => `${consolePaths.cases}/${encodeURIComponent(id)}`
export const pathOfReceipt = (id: string) => `${consolePaths.receipts}/${encodeURIComponent(id)}`
export const pathOfSubscription = (id: string) => `${consolePaths.subscriptions}/${encodeURIComponent(id)}`
export const pathOfAccount = (id: string) => `${consolePaths.accounts}/${encodeURIComponent(id)}`

/** The path with what of this is there. */
export function withQuery(path: string, query: Record<string, string | undefined>): string {
  const present = Object.entries(query).flatMap(([name, value]) =>
    value ? [[name, value] as [string, string]] : [],
  )
  return present.length === 0 ? path : `${path}?${new URLSearchParams(present)}`
}
