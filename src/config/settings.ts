import type { Scope } from '../domain/scopes.ts'
import type { AccountSettings } from './accounts/accounts.ts'

export interface TokenSettings {
  id: string
  sha256: string
  scopes: Scope[]
}

/** What the configuration file says, or what stands for it in sandbox mode. */
export interface Settings {
  accounts: AccountSettings[]
  tokens: TokenSettings[]
  seal: { keys: { id: string; key: Uint8Array }[]; indexKey: Uint8Array }
  durability: { fsync: 'always' | 'everysec'; replicas: number; onWeaker: 'refuse' | 'warn' }
  partitions: number
}
