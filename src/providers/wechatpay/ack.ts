import type { Ack } from '../provider.ts'

const contentType = 'application/json; charset=utf-8'

/** WeChat Pay's contract allows no more. */
const messageLengthMax = 64

export const accepted: Ack = { contentType, body: '{"code":"SUCCESS"}' }

export function refused(message: string): Ack {
  return { contentType, body: JSON.stringify({ code: 'FAIL', message: message.slice(0, messageLengthMax) }) }
}
