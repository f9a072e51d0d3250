/** Signing in by name and password, with a door that closes after a few failures in a row. */
import { scopesOfRole } from '../../domain/roles.ts'
import type { Passwords } from '../../seal/passwords.ts'
import type { Operator, Operators } from '../../store/operators.ts'
import type { SignInFailures } from '../../store/sign-in-failures.ts'
import type { Principal } from '../principal.ts'

export type OperatorSignIn =
  | { outcome: 'signed-in'; principal: Principal }
  /** `who`: only where there is one of that name. */
  | { outcome: 'refused'; who?: string | undefined }
  | { outcome: 'locked'; who?: string | undefined; waitMs: number }

export interface LocalOperators {
  /** Whether there are any, so that the page offers it. */
  offered(): Promise<boolean>
  signIn(name: string, password: string, source: string): Promise<OperatorSignIn>
  principalOf(name: string): Promise<Principal | null>
}

export interface LocalOperatorsDeps {
  operators: Pick<Operators, 'find' | 'any'>
  failures: SignInFailures
  passwords: Passwords
}

export function createLocalOperators({ operators, failures, passwords }: LocalOperatorsDeps): LocalOperators {
  return {
    offered: () => operators.any(),

    async signIn(text, password, source) {
      const name = text.trim().toLowerCase()
      const waitMs = await failures.attempt(name, source)
      const known = await operators.find(name)
      const who = known?.name
      if (waitMs > 0) return { outcome: 'locked', who, waitMs }
      const matches = await passwords.matches(password, known?.disabled ? undefined : known?.password)
      if (!known || !matches) return { outcome: 'refused', who }
      await failures.forget(name, source)
      return { outcome: 'signed-in', principal: toPrincipal(known) }
    },

    async principalOf(name) {
      const known = await operators.find(name)
      return known && !known.disabled ? toPrincipal(known) : null
    },
  }
}

function toPrincipal({ name, role, stamp }: Operator): Principal {
  return { id: name, via: 'operator', role, tokenId: stamp, scopes: scopesOfRole[role] }
}
