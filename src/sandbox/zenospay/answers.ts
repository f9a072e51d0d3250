/** Reading a request's body, and the forms of an answer. */
import type { Request, Response } from 'express'
import type { z } from 'zod'
import { readBody } from '../server.ts'
import type { Ledger } from './ledger.ts'
import { describeProblem } from './requests.ts'

/** Undefined when it was refused here: the body, its type, or what stands in it. */
export function read<T>(schema: z.ZodType<T>, req: Request, res: Response): T | undefined {
  const body = req.is('application/json') ? readBody(req.body) : undefined
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  refuse(res, describeProblem(parsed.error), 422)
  return undefined
}

export function refuse(res: Response, message: string, status = 200): void {
  res.status(status).json({ status: false, data: null, message })
}

/** Numbers with decimals, written by hand: no float has touched them. */
export function writeBalance({ balance, reserved, outstanding }: ReturnType<Ledger['funds']>): string {
  const number = (minor: bigint) => {
    const text = minor.toString().padStart(3, '0')
    return `${text.slice(0, -2)}.${text.slice(-2)}`.replace(/\.?0+$/, (zeros) =>
      zeros.startsWith('.') ? '' : zeros,
    )
  }
  const data = `{"balance":${number(balance)},"reserved_funds":${number(reserved)},"outstanding_funds":${number(outstanding)}}`
  return `{"status":true,"data":${data}}`
}
