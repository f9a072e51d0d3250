import { z } from 'zod'
import type { Operation } from '../api/operation.ts'

export const documentOperations: readonly Operation[] = [
  {
    id: 'getOpenApi',
    method: 'get',
    path: '/openapi.json',
    tag: 'documents',
    summary: 'The calls, as OpenAPI 3.1',
    answers: { 200: { description: 'The document', schema: z.looseObject({ openapi: z.string() }) } },
  },
  {
    id: 'getAsyncApi',
    method: 'get',
    path: '/asyncapi.json',
    tag: 'documents',
    summary: 'The events, as AsyncAPI 3',
    answers: { 200: { description: 'The document', schema: z.looseObject({ asyncapi: z.string() }) } },
  },
  {
    id: 'getReference',
    method: 'get',
    path: '/docs',
    tag: 'documents',
    summary: 'Both, for people',
    answers: { 200: { description: 'A page that loads nothing from elsewhere', contentType: 'text/html' } },
  },
]
