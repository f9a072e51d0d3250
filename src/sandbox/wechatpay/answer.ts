/** Answers as WeChat Pay signs them: with the key of the kind that the request names, over the bytes that are sent. */
import { randomBytes } from 'node:crypto'
import type { Request, Response } from 'express'
import { headerNames, signatureType, signParts } from '../../providers/wechatpay/signature.ts'
import type { Platform, PlatformKeyPair } from './platform.ts'
import type { Problem } from './problem.ts'

export interface Answered {
  status: number
  body: unknown
  /** Without a signature, or with one that is there to be refused. */
  manner?: 'unsigned' | 'probe' | undefined
}

export type Send = (req: Request, res: Response, answered: Answered) => void

export function createSend(platform: Platform, clock: () => number): Send {
  return (req, res, { status, body, manner }) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const key = platform.signerFor(req.get('wechatpay-serial'))
    const signed = signatureHeaders(bytes, { key, now: clock(), probe: manner === 'probe' })
    res.status(status)
    res.set('content-type', 'application/json; charset=utf-8')
    res.set('request-id', makeRequestId())
    if (manner !== 'unsigned') res.set(signed)
    res.end(bytes)
  }
}

export function asAnswer({ status, code, message, detail }: Problem): Answered {
  return { status, body: { code, message, ...(detail && { detail }) } }
}

export interface Signing {
  key: PlatformKeyPair
  now: number
  probe?: boolean | undefined
}

/** Of answers and callbacks alike. */
export function signatureHeaders(body: Uint8Array, { key, now, probe }: Signing): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000))
  const nonce = randomBytes(16).toString('hex')
  const signature = probe
    ? `WECHATPAY/SIGNTEST/${randomBytes(48).toString('base64')}`
    : signParts({ timestamp, nonce, body }, key.privateKey)
  return {
    [headerNames.timestamp]: timestamp,
    [headerNames.nonce]: nonce,
    [headerNames.serial]: key.serial,
    [headerNames.type]: signatureType,
    [headerNames.signature]: signature,
  }
}

export function makeRequestId(): string {
  return `08${randomBytes(20).toString('hex').toUpperCase()}-0`
}
