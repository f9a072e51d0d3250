import type { Scope } from '../domain/scopes.ts'

/** Who asks, and what they may do. */
export interface Principal {
  id: string
  scopes: readonly Scope[]
}
