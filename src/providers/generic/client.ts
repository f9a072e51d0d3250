/**
 * Asks about one transfer, as the account declares. TLS proves who answers, and nothing else does: so what is not read
 * for certain, and about the very reference that was asked about, is no answer.
 */
import type { Asked } from '../../domain/receipt.ts'
import type { CallResult, Client, ConnectTo, Exchange } from '../client.ts'
import type { AccountProvider } from '../provider.ts'
import { readJson } from '../read-json.ts'
import type { GenericAccount, QueryRules } from './account.ts'
import { findAt, readPointer } from './pointer.ts'

export interface GenericClientDeps {
  connectTo: ConnectTo
  translate: AccountProvider['translate']
}

/** Where the account says nothing of it. */
const perSecondUsual = 10
const bucket = 'query'
/** Each answer that says something new is kept as a callback is, so it may have as much as one. */
const answerBytesMax = 256 * 1024

export function createGenericClient(
  { id, calls }: Pick<GenericAccount, 'id' | 'calls'>,
  query: QueryRules,
  { connectTo, translate }: GenericClientDeps,
): Client {
  const call = connectTo({
    account: id,
    baseUrl: query.baseUrl,
    limits: [{ bucket, count: calls.perSecond ?? perSecondUsual, perMs: 1000 }],
    timeoutMs: calls.timeoutMs,
  })
  const headers = Object.fromEntries(
    Object.entries(query.headers).map(([name, value]) => [name, value.export().toString()]),
  )
  const foundAt = query.found === undefined ? undefined : readPointer(query.found)

  function read(answer: Extract<Exchange, { outcome: 'answered' }>, reference: string): CallResult {
    const { status, body } = answer
    if (query.notFound.includes(status)) return { outcome: 'not-known' }
    if (status < 200 || status > 299) return unknown(`The answer has the status ${status}.`)
    if (body.length > answerBytesMax) return unknown(`The answer has ${body.length} bytes.`)
    if (foundAt && isMissing(body, foundAt)) return { outcome: 'not-known' }
    const asked: Asked = { source: 'query', call: 'transfer', status, reference }
    const translation = translate(body, asked)
    if (translation.outcome === 'not-understood') return unknown(translation.reason)
    const { observation } = translation
    if (observation.kind !== 'transfer' || observation.reference !== reference)
      return unknown('The answer is about another reference.')
    return { outcome: 'answered', parts: [{ asked, body, keyId: '', headers: {} }] }
  }

  return {
    orders: new Set(),
    questions: new Set(['transfer']),
    order: async () => unsent('Nothing can be ordered of this provider.'),
    async ask(question, signal) {
      if (question.call !== 'transfer') return unsent('This provider is asked about transfers alone.')
      const { reference } = question
      const path = fillPath(query, reference)
      if (path === undefined) return unsent('The reference cannot stand in the URL of a query.')
      const answer = await call(
        {
          method: query.method,
          path,
          body: query.body?.parts.join(encoders[query.body.encoding](reference)),
          headers: () => ({ ...headers }),
          repeatable: true,
          bucket,
        },
        signal,
      )
      return answer.outcome === 'answered' ? read(answer, reference) : answer
    },
  }
}

/** Undefined where it would lead elsewhere, as `..` does. */
function fillPath({ baseUrl, path: parts }: QueryRules, reference: string): string | undefined {
  const path = parts.join(encodeForUrl(reference))
  const { origin, pathname, search } = new URL(baseUrl + path)
  return origin === baseUrl && pathname + search === path ? path : undefined
}

/** Also what `encodeURIComponent` leaves as it is and RFC 3986 reserves. */
function encodeForUrl(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const encoders = {
  json: (text: string) => JSON.stringify(text).slice(1, -1),
  form: encodeForUrl,
} as const

/** What cannot be read is not missing. */
function isMissing(body: Buffer, tokens: readonly string[]): boolean {
  const parsed = readJson(body)
  return 'value' in parsed && (findAt(parsed.value, tokens) ?? null) === null
}

function unknown(because: string): CallResult {
  return { outcome: 'unknown', because }
}

function unsent(because: string): CallResult {
  return { outcome: 'unsent', because }
}
