import type { Ack } from '../provider.ts'

const contentType = 'application/json; charset=utf-8'

export const accepted: Ack = { contentType, body: '{"status":true}' }

export function refused(message: string): Ack {
  return { contentType, body: JSON.stringify({ status: false, message }) }
}
