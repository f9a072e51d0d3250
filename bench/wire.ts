/** Requests that were written out before, and answers, as bytes. */
import { readFileSync } from 'node:fs'

const headEnd = Buffer.from('\r\n\r\n')
const lengthName = 'content-length: '

/** Head and body together; undefined while the head has not all come. Every receiver here sends a length. */
export function lengthOfAnswer(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end).toLowerCase()
  const at = head.indexOf(lengthName)
  if (at < 0) throw new Error(`An answer without a length: ${head}`)
  return end + 4 + Number.parseInt(head.slice(at + lengthName.length), 10)
}

/** Each behind its length in four bytes. */
export function readRequests(file: string): Buffer[] {
  const bytes = readFileSync(file)
  const list: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    list.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return list
}
