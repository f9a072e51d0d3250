/** The OpenAPI 3.1 document of the private listener. */
import type { z } from 'zod'
import { errorCodes } from '../../domain/errors.ts'
import { scopes } from '../../domain/scopes.ts'
import type { Operation, OperationAnswer } from '../api/operation.ts'
import { saidSchemas, toldSchemas } from './components.ts'
import { type Described, describeSchemas, type Json } from './json-schema.ts'
import { problemsOf } from './problems.ts'
import { webhookHeaders } from './webhook-headers.ts'

export interface OpenApiDeps {
  operations: readonly Operation[]
  version: string
  /** For tests: no answer may say more than is described. */
  closed?: boolean
}

export function createOpenApi({ operations, version, closed = false }: OpenApiDeps): Json {
  const target = 'draft-2020-12'
  const told = describeSchemas(
    { named: toldSchemas, direction: 'input', target },
    operations.flatMap(({ query, headers, body }) => [query, headers, body].filter(isThere)),
  )
  const said = describeSchemas(
    { named: saidSchemas, direction: 'output', target, closed },
    operations.flatMap(({ answers }) =>
      Object.values(answers)
        .map((one) => one.schema)
        .filter(isThere),
    ),
  )
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describeOperation(operation, told, said),
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tallyhook',
      version,
      summary: 'Payout providers’ callbacks as settled facts',
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The private listener' }],
    tags: tagsOf(operations),
    security: [{ token: [] }],
    paths,
    webhooks: { event: { post: describePush() } },
    components: {
      schemas: { ...said.named, ...told.named },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `A token of the configuration, with the scopes that it was given: ${scopes.map((one) => `\`${one}\``).join(', ')}. Each call names the one that it needs.`,
        },
      },
    },
  }
}

const description = `Amounts are decimal strings beside their currency, and exact. Times are RFC 3339 in UTC. Lists answer \`items\` and \`next\`; give \`next\` as \`after\` to go on, until it is null. Whatever goes wrong is told as problem details with a stable \`code\`; what is said in 503 may pass, and is safe to repeat. New fields may come at any time.`

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined
}

const tagDescriptions: Record<string, string> = {
  audit: 'What people did',
  tokens: 'Who may call',
  transfers: 'Money that is to reach somebody',
  batches: 'Transfers that are sent together',
  coupons: 'WeChat Pay’s multi-use coupons',
  collections: 'Pay-ins that callbacks told of',
  events: 'What became true, in order',
  subscriptions: 'Events pushed to a URL',
  deliveries: 'What was pushed, and what came of it',
  replays: 'What is pushed once more',
  cases: 'What only a person can settle',
  receipts: 'Callbacks, as they came',
  accounts: 'Credentials at a provider, and how they do',
  status: 'Of this process',
  documents: 'Of this API, for programs and people',
}

function tagsOf(operations: readonly Operation[]): Json[] {
  const names = [...new Set(operations.map(({ tag }) => tag))]
  return names.map((name) => ({ name, description: tagDescriptions[name] ?? name }))
}

function describeOperation(operation: Operation, told: Described, said: Described): Json {
  const { id, tag, summary, description, scope, body, bodyOptional, example } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined || scope ? { description: describeCall(description, scope) } : {}),
    ...(scope ? { 'x-scopes': [scope] } : { security: [] }),
    parameters: parametersOf(operation, told),
    ...(body && {
      requestBody: {
        required: !bodyOptional,
        content: { 'application/json': { schema: told.of(body), ...(example !== undefined && { example }) } },
      },
    }),
    responses: { ...answersOf(operation, said), ...problemAnswersOf(operation) },
  }
}

function describeCall(description: string | undefined, scope: string | undefined): string {
  return [description, scope && `Needs the scope \`${scope}\`.`].filter(isThere).join('\n\n')
}

function parametersOf({ path, query, headers }: Operation, told: Described): Json[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return [...inPath, ...fieldsOf('query', query, told), ...fieldsOf('header', headers, told)]
}

function fieldsOf(where: 'query' | 'header', schema: z.ZodObject | undefined, told: Described): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = told.of(schema) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description = usual[name], ...field }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: field,
  }))
}

/** Where the schema says nothing of its own. */
const usual: Record<string, string> = {
  limit: 'How many at most; 100 where nothing is said.',
  after: '`next` of the page before.',
  account: 'Of this account alone.',
  reference: 'As it was registered.',
  state: 'In this state alone.',
  wait: 'For how many seconds to wait while there is nothing.',
  types: 'Types of events with commas between them; one may end in `*`.',
  subject: 'About this alone, by its id.',
}

function answersOf({ answers }: Operation, said: Described): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer, said)]),
  )
}

function describeAnswer(
  { description, schema, contentType, headers }: OperationAnswer,
  said: Described,
): Json {
  const type = contentType ?? (schema && 'application/json')
  return {
    description,
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [
          name,
          { description: text, schema: { type: 'string' } },
        ]),
      ),
    }),
    ...(type !== undefined && {
      content: { [type]: { schema: schema ? said.of(schema) : { type: 'string' } } },
    }),
  }
}

function problemAnswersOf(operation: Operation): Json {
  const own = [...problemsOf(operation)].filter(([status]) => !(status in operation.answers))
  return Object.fromEntries(
    own.map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorCodes[code].title}`).join('; '),
        ...(status === 503 && {
          headers: { 'retry-after': { description: 'In seconds.', schema: { type: 'string' } } },
        }),
        content: {
          'application/problem+json': {
            schema: {
              // What is gone is what a cursor pointed at, and the answer says where to begin.
              $ref: `#/components/schemas/${status === 410 ? 'CursorProblem' : 'Problem'}`,
              properties: { code: { enum: codes } },
            },
          },
        },
      },
    ]),
  )
}

function describePush(): Json {
  return {
    operationId: 'receiveEvent',
    tags: ['events'],
    summary: 'What a subscription’s URL receives',
    description:
      'At least once, and in order for each subject. Signed by the rules of Standard Webhooks with the secret of the subscription; while that is rotated, with both.',
    security: [],
    parameters: Object.entries(webhookHeaders).map(([name, schema]) => ({
      name,
      in: 'header',
      required: true,
      schema,
    })),
    requestBody: {
      required: true,
      content: {
        'application/cloudevents+json': {
          schema: {
            anyOf: [{ $ref: '#/components/schemas/Event' }, { $ref: '#/components/schemas/TestEvent' }],
          },
        },
      },
    },
    responses: {
      '2XX': { description: 'It is taken.' },
      410: { description: 'Nothing more is wanted: the subscription is disabled.' },
      429: { description: 'It is sent again, not before `Retry-After`.' },
      '5XX': { description: 'It is sent again, later and later.' },
    },
  }
}
