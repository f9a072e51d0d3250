/** The AsyncAPI 3 document: every type of event as a message, in the feed and as it is pushed. */
import { type EventType, eventTypes, factsByNoun, type Noun } from '../../events/catalogue.ts'
import { testEventType } from '../../events/test-event.ts'
import { saidSchemas } from './components.ts'
import { describeSchemas, type Json } from './json-schema.ts'
import { webhookHeaders } from './webhook-headers.ts'

const schemaOf: Record<Noun, string> = {
  transfer: 'Transfer',
  batch: 'Batch',
  coupon: 'Coupon',
  collection: 'Collection',
  case: 'Case',
  subscription: 'Subscription',
}

const nouns = Object.keys(factsByNoun) as Noun[]
const cloudEvents = 'application/cloudevents+json'

export interface AsyncApiDeps {
  version: string
  /** For tests: no event may say more than is described. */
  closed?: boolean
}

export function createAsyncApi({ version, closed = false }: AsyncApiDeps): Json {
  // AsyncAPI’s own schemas are a superset of draft 7.
  const request = { named: eventSchemas(), direction: 'output', target: 'draft-7', closed } as const
  const { named } = describeSchemas(request, [])
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tallyhook events',
      version,
      description,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    defaultContentType: cloudEvents,
    channels: {
      feed: {
        address: '/v1/events/stream',
        title: 'The feed',
        description:
          'Server-sent events on the private listener; each `data` is one message, each `id` a cursor. `GET /v1/events` gives the same in pages.',
        messages: messagesBy((type) => ({ $ref: `#/components/messages/${type}` })),
      },
      push: {
        title: 'Deliveries',
        description:
          'Posted to the URL of each subscription that wants the type, signed by the rules of Standard Webhooks. Any 2xx takes it; else it is sent again.',
        messages: {
          ...messagesBy((type) => describePushed(type, type)),
          [testEventType]: describePushed(testEventType, 'TestEvent'),
        },
      },
    },
    operations: {
      streamEvents: {
        action: 'send',
        channel: { $ref: '#/channels/feed' },
        title: 'Follow the log',
        summary: 'Events in the order of the log; of one subject, in the order in which they came true.',
        security: [{ $ref: '#/components/securitySchemes/token' }],
        bindings: { http: { method: 'GET', bindingVersion: '0.3.0' } },
      },
      pushEvent: {
        action: 'send',
        channel: { $ref: '#/channels/push' },
        title: 'Push to a subscriber',
        summary: 'At least once, and in order for each subject.',
        security: [],
        bindings: { http: { method: 'POST', bindingVersion: '0.3.0' } },
      },
    },
    components: {
      messages: messagesBy((type) => ({
        name: type,
        title: titleOf(type),
        contentType: cloudEvents,
        payload: { $ref: `#/components/schemas/${type}` },
      })),
      messageTraits: {
        signed: {
          headers: { type: 'object', required: Object.keys(webhookHeaders), properties: webhookHeaders },
        },
      },
      schemas: { ...named, ...messagesBy(schemaOfMessage) },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token with the scope `events:read`.' },
      },
    },
  }
}

const description =
  'Each message is a CloudEvent 1.0 in JSON. `sequence` counts the events of its subject from 1 without gaps, and `previousid` is the one before, so that a gap shows. `data.object` is the resource as it stands after the change.'

function describePushed(name: string, schema: string): Json {
  return {
    name,
    contentType: cloudEvents,
    traits: [{ $ref: '#/components/messageTraits/signed' }],
    payload: { $ref: `#/components/schemas/${schema}` },
  }
}

/** What an event holds, and no more: requests and problems are OpenAPI’s. */
function eventSchemas() {
  const { Event, TestEvent, Because, Money, Failure, Beneficiary, Erased, Figures, Missed } = saidSchemas
  const parts = { Event, TestEvent, Because, Money, Failure, Beneficiary, Erased, Figures, Missed }
  const resources = Object.values(schemaOf).map((name) => [name, saidSchemas[name]])
  return { ...parts, ...Object.fromEntries(resources) }
}

function messagesBy(describe: (type: EventType, noun: Noun) => Json): Json {
  return Object.fromEntries(eventTypes.map((type) => [type, describe(type, nounOf(type))]))
}

function nounOf(type: EventType): Noun {
  return nouns.find((noun) => type.startsWith(`tallyhook.${noun}.`)) as Noun
}

/** `Transfer succeeded` */
function titleOf(type: EventType): string {
  const [, noun = '', fact = ''] = type.split('.')
  return `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${fact}`
}

function schemaOfMessage(type: EventType, noun: Noun): Json {
  return {
    allOf: [
      { $ref: '#/components/schemas/Event' },
      {
        type: 'object',
        properties: {
          type: { const: type },
          data: {
            type: 'object',
            properties: { object: { $ref: `#/components/schemas/${schemaOf[noun]}` } },
          },
        },
      },
    ],
  }
}
