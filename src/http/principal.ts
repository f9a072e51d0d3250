import type { SignInWay } from '../domain/audit.ts'
import type { Role } from '../domain/roles.ts'
import type { Scope } from '../domain/scopes.ts'

/** Who asks, and what they may do. */
export interface Principal {
  id: string
  /** Changes when the token does, or the operator's password or role. Nobody can make the token of it. */
  tokenId?: string
  scopes: readonly Scope[]
  /** How they came in; missing: by a token. */
  via?: SignInWay
  /** Of a person, in place of scopes that were given one by one. */
  role?: Role
}
