/** The documents, made once. They name no account and no secret, so that no token is asked for. */
import { type RequestHandler, Router } from 'express'
import { allowOnly } from '../api/allow.ts'
import type { Operation } from '../api/operation.ts'
import { createAsyncApi } from './asyncapi.ts'
import { createOpenApi } from './openapi.ts'
import { renderReference } from './page.ts'

export interface DocumentRoutesDeps {
  operations: readonly Operation[]
  version: string
}

export function createDocumentRoutes({ operations, version }: DocumentRoutesDeps): Router {
  const openApi = createOpenApi({ operations, version })
  const asyncApi = createAsyncApi({ version })
  const { html, policy } = renderReference({ openApi, asyncApi })
  const router = Router()
  router.get('/openapi.json', answer(JSON.stringify(openApi), 'application/json'))
  router.get('/asyncapi.json', answer(JSON.stringify(asyncApi), 'application/json'))
  router.get(
    '/docs',
    answer(html, 'text/html; charset=utf-8', {
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    }),
  )
  router.all(['/openapi.json', '/asyncapi.json', '/docs'], allowOnly('GET', 'HEAD'))
  return router
}

function answer(text: string, type: string, headers: Record<string, string> = {}): RequestHandler {
  const body = Buffer.from(text)
  return (_req, res) => {
    res.set({ ...headers, 'content-type': type }).send(body)
  }
}
