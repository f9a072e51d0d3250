/** Numbers that look random and are the same for the same seed, so that a campaign's plan can be made again. */
import { createHash } from 'node:crypto'

export interface Random {
  /** From 0 up to, but not including, 1. */
  share(): number
  /** A whole number, both ends included. */
  between(least: number, most: number): number
}

export function createRandom(seed: string): Random {
  let count = 0
  const share = () => createHash('sha256').update(`${seed}:${count++}`).digest().readUInt32BE() / 2 ** 32
  return { share, between: (least, most) => least + Math.floor(share() * (most - least + 1)) }
}
