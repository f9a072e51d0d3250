/**
 * Lets in what the merchant signed, over the bytes as they came. Written from the documents and sharing no code with our
 * client: a mistake of one of the two shows.
 */
import { createHash, type KeyObject, verify } from 'node:crypto'
import type { Request, RequestHandler } from 'express'
import { parseTime } from '../../domain/time.ts'

export interface AuthoriseDeps {
  partnerId: string
  merchantPublicKey: KeyObject
  clock: () => number
}

const requestAgeMsMax = 5 * 60_000

export function createAuthorise({ partnerId, merchantPublicKey, clock }: AuthoriseDeps): RequestHandler {
  const findProblem = (req: Request): string | undefined => {
    if (req.get('x-partner-id') !== partnerId) return 'The partner id is unknown.'
    const timestamp = req.get('x-timestamp') ?? ''
    const sentAt = parseTime(timestamp)
    if (sentAt === undefined || Math.abs(clock() - sentAt) >= requestAgeMsMax)
      return 'The timestamp is invalid.'
    const signature = Buffer.from(req.get('x-signature') ?? '', 'base64')
    const isSigned = stringsToSign(req, timestamp).some((text) =>
      verify('sha256', Buffer.from(text), merchantPublicKey, signature),
    )
    return isSigned ? undefined : 'The signature is invalid.'
  }
  return (req, res, next) => {
    const problem = findProblem(req)
    if (problem === undefined) next()
    else res.status(401).json({ status: false, message: `Unauthorized. ${problem}` })
  }
}

/** Over what a GET is signed is not documented, so each of the likely forms is taken. */
function stringsToSign(req: Request, timestamp: string): string[] {
  const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)
  const payloads = req.method === 'GET' ? [body, Buffer.from('{}')] : [body]
  return payloads.map((bytes) => `${req.method}:${req.baseUrl}${req.path}:${sha256(bytes)}:${timestamp}`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
