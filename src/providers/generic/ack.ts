import type { Ack } from '../provider.ts'

export const accepted: Ack = { contentType: 'application/json; charset=utf-8', body: '{"ok":true}' }
