import { createHash } from 'node:crypto'
import type { Json } from './json-schema.ts'

export function renderReference(_: { openApi: Json; asyncApi: Json }): { html: string; policy: string } {
  return { html: '', policy: `default-src 'none'; ${createHash.name}` }
}
