import type { SignInWay } from '../domain/audit.ts'
import type { Scope } from '../domain/scopes.ts'

/** Who asks, and what they may do. */
export interface Principal {
  id: string
  /** Changes when the token does. Nobody can make the token of it. */
  tokenId?: string
  scopes: readonly Scope[]
  /** How they came in; missing: by a token. */
  via?: SignInWay
}
