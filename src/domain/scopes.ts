/** What a token may be allowed. The configuration grants them, the listeners ask for them. */
export const scopes = [
  'transfers:read',
  'transfers:write',
  'events:read',
  'subscriptions:write',
  'ops:read',
  'ops:act',
] as const
export type Scope = (typeof scopes)[number]
