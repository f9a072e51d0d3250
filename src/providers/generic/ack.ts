import type { Ack } from '../provider.ts'

export const accepted: Ack = { contentType: 'application/json; charset=utf-8', body: '{"ok":true}' }

/** Problem details with no more than the title: what was wrong is for our log, and not for whoever forges. */
export function refused(message: string): Ack {
  return { contentType: 'application/problem+json', body: JSON.stringify({ title: message }) }
}
