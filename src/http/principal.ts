export const scopes = [
  'transfers:read',
  'transfers:write',
  'events:read',
  'subscriptions:write',
  'ops:read',
  'ops:act',
] as const
export type Scope = (typeof scopes)[number]

/** Who asks, and what they may do. */
export interface Principal {
  id: string
  scopes: readonly Scope[]
}
