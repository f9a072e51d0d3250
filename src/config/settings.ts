import type { Scope } from '../domain/scopes.ts'
import type { AccountSettings } from './accounts/accounts.ts'
import type { OpsSettings } from './ops.ts'

export interface TokenSettings {
  id: string
  sha256: string
  scopes: Scope[]
  /** From then on it lets nobody in. */
  expiresAt?: number | undefined
}

/** What the configuration file says, or what stands for it in sandbox mode. */
export interface Settings {
  accounts: AccountSettings[]
  callbacks: {
    /** How many proxies of ours stand before the public port. */
    trustedProxies: number
    sources: ReadonlyMap<string, string[]>
  }
  tokens: TokenSettings[]
  ops: OpsSettings
  seal: { keys: { id: string; key: Uint8Array }[]; indexKey: Uint8Array }
  durability: { fsync: 'always' | 'everysec'; replicas: number; onWeaker: 'refuse' | 'warn' }
  /** How many refused callbacks of an account are kept, and for how long. */
  quarantine: { keep: number; days: number }
  /** For how long the log of events reaches back, and the audit log. */
  retention: { logMs: number; auditMs: number }
  /** How events are pushed to subscriptions. */
  deliveries: DeliverySettings
  /** Where the archive is; unset: in the data directory. */
  archive: { dir?: string | undefined }
  partitions: number
  /** Where requests of ours may go besides the public internet over https. */
  outbound: { allow: string[]; http: boolean }
}

export interface DeliverySettings {
  timeoutMs: number
  /** How long an event is tried again until it is given up. */
  retryMs: number
  /** An endpoint that has taken nothing for so long is disabled. */
  disableAfterMs: number
  historyMs: number
  /** Requests at once to one endpoint, of each process. */
  concurrency: number
}
