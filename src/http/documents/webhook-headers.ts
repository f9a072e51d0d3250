/** What stands above each pushed event (Standard Webhooks). */
export const webhookHeaders = {
  'webhook-id': {
    type: 'string',
    description: 'The event’s id: the same on every attempt.',
    examples: ['ev-tr-0k3x9-4'],
  },
  'webhook-timestamp': {
    type: 'string',
    pattern: '^[0-9]+$',
    description: 'Of this attempt, in seconds since 1970.',
  },
  'webhook-signature': {
    type: 'string',
    description:
      '`v1,` and HMAC-SHA-256 in base64 over id, timestamp and body with dots between them; several with spaces between them.',
  },
} as const
