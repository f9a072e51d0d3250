/**
 * What the body of an answer says before it is known what was asked. Nothing but TLS proves an answer, so one that is not
 * of the documented form is taken for none: a proxy's page, a redirect or half an answer says nothing about money.
 */
import { z } from 'zod'
import { readJson } from '../read-json.ts'

export interface Refusal {
  status: number
  /** Empty where there is none that can be read. */
  message: string
  /** It says `status: false`, as the documents have it. */
  own: boolean
}

export type Answer =
  | { outcome: 'said'; data: unknown }
  | ({ outcome: 'refused' } & Refusal)
  | { outcome: 'unreadable'; because: string }

/** A documented answer has a few hundred bytes. */
export const answerBytesMax = 64 * 1024

const requestTimeout = 408

const formSchema = z.object({
  status: z.unknown().optional(),
  data: z.unknown().optional(),
  message: z.unknown().optional(),
})

export function readAnswer(status: number, body: Buffer): Answer {
  const isRefusal = status >= 400 && status < 500 && status !== requestTimeout
  if (!isRefusal && (status < 200 || status > 299)) return unreadable(`The answer is HTTP ${status}.`)
  const form = readForm(body)
  if ('problem' in form) {
    // Whoever answered, it was turned away before the money was looked at; the words would only say more.
    return isRefusal ? { outcome: 'refused', status, message: '', own: false } : unreadable(form.problem)
  }
  const { status: said, data, message } = form
  if (said === true && !isRefusal) return { outcome: 'said', data }
  if (said === true) return unreadable(`The answer is HTTP ${status} and says that it is well.`)
  if (said !== false && !isRefusal) return unreadable('The answer says neither yes nor no.')
  return {
    outcome: 'refused',
    status,
    message: typeof message === 'string' ? message : '',
    own: said === false,
  }
}

function readForm(body: Buffer): z.output<typeof formSchema> | { problem: string } {
  if (body.length > answerBytesMax) return { problem: `The answer has ${body.length} bytes.` }
  const parsed = readJson(body)
  if ('problem' in parsed) return { problem: `The answer ${parsed.problem}` }
  const form = formSchema.safeParse(parsed.value)
  return form.success ? form.data : { problem: 'The answer is not of the documented form.' }
}

function unreadable(because: string): Answer {
  return { outcome: 'unreadable', because }
}
