/** Holds every answer of the API to what the document says of its call: its status, its type, its body, and no field more. */
import type { ServerResponse } from 'node:http'
import { Ajv } from 'ajv'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import express, { type Express } from 'express'
import { operations } from '../../src/http/api/operations.ts'
import { createAsyncApi } from '../../src/http/documents/asyncapi.ts'
import { createOpenApi } from '../../src/http/documents/openapi.ts'

export interface Answered {
  method: string
  path: string
  status: number
  header(name: string): string | undefined
  body: string
}

interface DocumentedAnswer {
  headers?: Record<string, unknown>
  content?: Record<string, unknown>
}

type Paths = Record<string, Record<string, { responses: Record<string, DocumentedAnswer> }>>

const document = createOpenApi({ operations, version: '0.0.0', closed: true })
const paths = document.paths as Paths
// Exact paths first: `/v1/transfers/search` is no transfer.
const templates = Object.keys(paths)
  .sort((a, b) => a.split('{').length - b.split('{').length)
  .map((path) => ({
    path,
    form: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  }))

const options = { strict: false, allErrors: true, formats: formats() }
const calls = new Ajv2020(options).addSchema(document, 'openapi')
const events = new Ajv(options).addSchema(createAsyncApi({ version: '0.0.0', closed: true }), 'asyncapi')
const validators = new Map<string, ValidateFunction>()

function formats() {
  const isTime = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text)
  return { 'date-time': isTime, uri: (text: string) => URL.canParse(text) }
}

/** Undefined where the answer is as documented. */
export function findFault(answered: Answered): string | undefined {
  const { method, path, status } = answered
  const template = templates.find(({ form }) => form.test(path))?.path
  const call = `${method} ${template ?? path}`
  if (template === undefined) return refusedFault(answered, call, [400, 401, 404, 413, 415])
  const operation = paths[template]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]
  if (!operation) return refusedFault(answered, call, [400, 401, 405, 413, 415])
  const answer = operation.responses[status]
  if (!answer) return `${call}: ${status} is not documented. ${answered.body.slice(0, 300)}`
  const missing = Object.keys(answer.headers ?? {}).filter((name) => answered.header(name) === undefined)
  if (missing.length > 0) return `${call}: ${status} lacks the header ${missing.join(', ')}.`
  if (method === 'HEAD') return undefined
  return bodyFault(
    answered,
    answer,
    ['paths', template, method.toLowerCase(), 'responses', String(status)],
    call,
  )
}

/** What no call is documented for is refused with problem details. */
function refusedFault(answered: Answered, call: string, statuses: number[]): string | undefined {
  if (!statuses.includes(answered.status)) return `${call} is not documented, and answers ${answered.status}.`
  if (answered.method === 'HEAD') return undefined
  return schemaFault('openapi#/components/schemas/Problem', answered.body, call)
}

function bodyFault(
  { status, header, body }: Answered,
  { content = {} }: DocumentedAnswer,
  place: string[],
  call: string,
): string | undefined {
  const type = header('content-type')?.split(';')[0]
  if (type === undefined || body === '')
    return Object.keys(content).length > 0 ? `${call}: ${status} has no body.` : undefined
  if (!(type in content)) return `${call}: ${status} is of the type ${type}, which is not documented.`
  if (!/json$/.test(type)) return undefined
  const pointer = [...place, 'content', type, 'schema'].map(toPointer).join('/')
  return schemaFault(`openapi#/${pointer}`, body, `${call}: ${status}`) ?? eventsFault(place, body)
}

/** Undefined where the call takes this. */
export function findRequestFault(method: string, path: string, request: unknown): string | undefined {
  const place = ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema']
  const pointer = place.map(toPointer).join('/')
  return schemaFault(`openapi#/${pointer}`, JSON.stringify(request), `${method} ${path}`)
}

function toPointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

/** What an event holds has to be of its type, which OpenAPI does not say. */
function eventsFault([, template]: string[], body: string): string | undefined {
  if (template !== '/v1/events') return undefined
  const { events: page = [] } = JSON.parse(body) as { events?: object[] }
  return page.map(findEventFault).find((fault) => fault !== undefined)
}

/** Undefined where the event, from the feed or pushed, is as the AsyncAPI document says of its type. */
export function findEventFault(event: object): string | undefined {
  const type = String((event as { type?: unknown }).type)
  return schemaFault(`asyncapi#/components/schemas/${type}`, JSON.stringify(event), type)
}

function schemaFault($ref: string, body: string, call: string): string | undefined {
  const validate = validators.get($ref) ?? ($ref.startsWith('asyncapi') ? events : calls).compile({ $ref })
  validators.set($ref, validate)
  if (validate(JSON.parse(body))) return undefined
  const faults = (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
  return `${call} is not as documented: ${faults.join('; ')}. ${body.slice(0, 600)}`
}

/** What was found in this run; it fails, whether or not a test looked at the answer. */
export const documentFaults: string[] = []

/** The app, whose answers become 599 where they are not as documented. */
export function documented(app: Express): Express {
  const outer = express()
  outer.disable('x-powered-by')
  outer.use((req, res, next) => {
    if (!req.path.startsWith('/ops')) holdToDocument(res, req.method, req.path)
    next()
  })
  outer.use(app)
  return outer
}

function holdToDocument(res: ServerResponse, method: string, path: string): void {
  const end = res.end.bind(res) as (chunk?: unknown, ...rest: unknown[]) => ServerResponse
  res.end = ((chunk?: unknown, ...rest: unknown[]) => {
    // What was begun before is a stream, and has no body to look at as a whole.
    if (res.headersSent) return end(chunk, ...rest)
    const body = typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : ''
    const header = (name: string) => res.getHeader(name)?.toString()
    const fault = findFault({ method, path, status: res.statusCode, header, body })
    if (fault === undefined) return end(chunk, ...rest)
    documentFaults.push(fault)
    res.statusCode = 599
    res.removeHeader('content-length')
    res.removeHeader('etag')
    res.setHeader('content-type', 'application/json')
    return end(JSON.stringify({ fault }))
  }) as ServerResponse['end']
}

/** `fetch` that does the same with what answers as our API does. */
export function documentedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const answer = await fetch(input, init)
    const { pathname } = new URL(answer.url)
    const isOurs = answer.headers.has('x-request-id') && !pathname.startsWith('/ops')
    if (!isOurs || answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer
    const fault = findFault({
      method: (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase(),
      path: pathname,
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? undefined,
      body: await answer.clone().text(),
    })
    if (fault === undefined) return answer
    documentFaults.push(fault)
    throw new Error(fault)
  }
}
