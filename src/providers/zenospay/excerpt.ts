/**
 * What is kept of the answer to an order: its bytes, and when the order was given, from which it follows how long the money
 * is set aside. Where an order was never given, what was wrong with it stands there instead.
 */
import { z } from 'zod'
import { readJson } from '../read-json.ts'
import { answerBytesMax } from './answer.ts'

export type Excerpt = { askedAt: number } & ({ answer: string } | { problems: string[] })

const excerptSchema = z.union([
  z.strictObject({ askedAt: z.string().regex(/^[0-9]{1,15}$/), answer: z.string() }),
  z.strictObject({ askedAt: z.string().regex(/^[0-9]{1,15}$/), problems: z.array(z.string()).min(1) }),
])

export function writeExcerpt(excerpt: Excerpt): Buffer {
  return Buffer.from(JSON.stringify(excerpt))
}

/** A page that is longer than any answer says nothing that is worth keeping. */
export function excerptOf(askedAt: number, body: Buffer): Excerpt {
  return { askedAt, answer: body.length > answerBytesMax ? '' : body.toString() }
}

export function readExcerpt(body: Buffer): Excerpt | undefined {
  const parsed = readJson(body)
  const read = 'problem' in parsed ? undefined : excerptSchema.safeParse(parsed.value)
  return read?.success ? { ...read.data, askedAt: Number(read.data.askedAt) } : undefined
}
