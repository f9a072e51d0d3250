import { readFileSync } from 'node:fs'

/** Of this program, as its package has it; the same from `src` and from `dist`. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String(version)
}
