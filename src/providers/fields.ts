/** Pieces of the schemas by which callbacks are read. A number is the text that it is on the wire; see read-json.ts. */
import { z } from 'zod'

export const text = z.string().min(1).max(256)

/** Absent, null and empty say the same. */
export const optionalText = z.string().max(256).nullish()

/** What a provider numbers things by, and we then know them by: one printable word. */
export const identifier = z
  .string()
  .max(128)
  .regex(/^[\x21-\x7e]+$/)
