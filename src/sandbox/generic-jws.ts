/** A JWS as a declared provider would make it: by the first allowed algorithm that the key is for. */
import type { KeyObject } from 'node:crypto'
import { CompactSign } from 'jose'
import type { GenericSettings } from '../config/accounts/generic.ts'
import { AppError } from '../domain/errors.ts'
import { fitsAlgorithm } from '../providers/generic/jws-keys.ts'
import type { SignedCallback } from './signed-callback.ts'

type Jws = Extract<GenericSettings['verify'], { scheme: 'jws' }>

export async function signJws(
  scheme: Jws,
  body: string,
  now: number,
  key: KeyObject,
): Promise<SignedCallback> {
  const alg = scheme.algorithms.find((algorithm) => fitsAlgorithm(algorithm, key))
  if (!alg)
    throw new AppError('invalid-request', {
      detail: 'The key fits none of the algorithms that the account allows.',
    })
  const claim = scheme.window && { [scheme.window.claim]: Math.floor(now / 1000) }
  const content = scheme.window?.in === 'payload' ? addClaim(body, claim) : body
  const header = { alg, ...(scheme.window?.in === 'protected' && claim) }
  const token = await new CompactSign(Buffer.from(content)).setProtectedHeader(header).sign(key)
  if (scheme.header === undefined) return { headers: { 'content-type': 'application/jose' }, body: token }
  const [head, , signature] = token.split('.')
  const value = scheme.form === 'detached' ? `${head}..${signature}` : token
  return { headers: { [scheme.header]: value }, body: content }
}

function addClaim(body: string, claim: Record<string, number> | undefined): string {
  return JSON.stringify({ ...(JSON.parse(body) as object), ...claim })
}
