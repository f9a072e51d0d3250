import type { RequestHandler } from 'express'

/**
 * Everything from here, nothing from elsewhere, in nobody's frame. Styles may stand in the page because Bull Board sets
 * them so; scripts may not.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The console's own pages set no style by themselves, need nothing from anywhere, and can do without more. */
const consolePolicy = policy
  .replace("style-src 'self' 'unsafe-inline'", "style-src 'self'")
  .replace("font-src 'self'; ", '')

export const setConsoleHeaders: RequestHandler = (_req, res, next) => {
  res.setHeader('content-security-policy', consolePolicy)
  next()
}

export const setSecurityHeaders: RequestHandler = (_req, res, next) => {
  res.setHeader('content-security-policy', policy)
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('x-frame-options', 'DENY')
  res.setHeader('referrer-policy', 'same-origin')
  res.setHeader('cross-origin-opener-policy', 'same-origin')
  res.setHeader('cache-control', 'no-store')
  next()
}
