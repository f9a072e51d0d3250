/** What a person may do who signs in, as a few words for sets of scopes. */
import { type Scope, scopes } from './scopes.ts'

export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

const viewer: readonly Scope[] = ['transfers:read', 'events:read', 'ops:read']
const operator: readonly Scope[] = [...viewer, 'ops:act', 'transfers:write']

export const scopesOfRole: Record<Role, readonly Scope[]> = { viewer, operator, admin: scopes }

export function isRole(text: unknown): text is Role {
  return (roles as readonly unknown[]).includes(text)
}
