/**
 * A file of lines that each hold what an event led to and where to go on after it. A line is whole or it is not there, so
 * neither can be without the other: that is what makes at least once exactly once. A database does the same by one
 * transaction.
 */
// @ts-check
import { existsSync, readFileSync } from 'node:fs'
import { open, truncate } from 'node:fs/promises'

/**
 * @template Entry
 * @param {string} path
 */
export async function openJournal(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  // What a crash left behind the last whole line was never done.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole))
  const lines = whole.split('\n').slice(0, -1)
  /** @type {Entry[]} */
  const entries = lines.map((line) => JSON.parse(line))
  const file = await open(path, 'a')

  return {
    entries,
    /** It is on disk when this resolves. @param {Entry} entry */
    async append(entry) {
      await file.appendFile(`${JSON.stringify(entry)}\n`)
      await file.datasync()
    },
    close: () => file.close(),
  }
}
