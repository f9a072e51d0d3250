/** What a call of scripts/commit.lua asks for, read again from its arguments. */
import type { Command } from '../../src/store/together.ts'

/** A check or a write. */
export interface Asked {
  name: string
  key: string
  args: string[]
}

export interface AskedTransaction {
  checks: Asked[]
  writes: Asked[]
}

type Part = string | number

export function readCall([, count, ...rest]: Command): AskedTransaction[] {
  const names = rest.slice(0, Number(count)).map(String)
  const transactions = JSON.parse(String(rest[Number(count)])) as [number[], Part[], Part[]][]
  return transactions.map(([places, checks, writes]) => {
    const keyAt = (place: Part | undefined) => names[(places[Number(place) - 1] ?? 0) - 1] ?? ''
    return { checks: readParts(checks, keyAt), writes: readParts(writes, keyAt) }
  })
}

function readParts(parts: readonly Part[], keyAt: (place: Part | undefined) => string): Asked[] {
  const asked: Asked[] = []
  for (let at = 0; at < parts.length; ) {
    const [name, place, length] = parts.slice(at, at + 3)
    const end = at + 3 + Number(length)
    asked.push({ name: String(name), key: keyAt(place), args: parts.slice(at + 3, end).map(String) })
    at = end
  }
  return asked
}
