import { locationHeader, type Operation } from './operation.ts'
import { subscriptionPageSchema } from './subscription-page.ts'
import {
  createdSubscriptionSchema,
  rotatedSubscriptionSchema,
  shownSubscriptionSchema,
  subscriptionListSchema,
  testedSchema,
} from './subscription-present.ts'
import {
  changeSubscriptionSchema,
  createSubscriptionSchema,
  rotateSchema,
  type SubscriptionTerms,
} from './subscription-request.ts'

/** What is asked of a URL and an account beside their form is of each installation. */
const anyTerms: SubscriptionTerms = { readUrl: (text) => ({ ok: true, url: text }), isAccount: () => true }

const scope = 'subscriptions:write'
const tag = 'subscriptions'

export const subscriptionOperations: readonly Operation[] = [
  {
    id: 'createSubscription',
    method: 'post',
    path: '/v1/subscriptions',
    tag,
    summary: 'Subscribe a URL to events',
    description:
      'Events from now on are pushed to the URL, signed as Standard Webhooks have it. The `secret` is shown here and by a rotation, and nowhere else.',
    scope,
    body: createSubscriptionSchema(anyTerms),
    example: {
      url: 'https://ledger.example/hooks/tallyhook',
      types: ['tallyhook.transfer.*', 'tallyhook.batch.finished.v1'],
      accounts: ['zeno-main'],
      description: 'The ledger',
    },
    answers: {
      201: {
        description: 'Subscribed',
        schema: createdSubscriptionSchema,
        headers: locationHeader,
      },
    },
    problems: ['too-many-subscriptions', 'commit-contended'],
  },
  {
    id: 'listSubscriptions',
    method: 'get',
    path: '/v1/subscriptions',
    tag,
    summary: 'The subscriptions, oldest first',
    scope,
    query: subscriptionPageSchema,
    answers: { 200: { description: 'A page of them', schema: subscriptionListSchema } },
  },
  {
    id: 'getSubscription',
    method: 'get',
    path: '/v1/subscriptions/{id}',
    tag,
    summary: 'A subscription, with how its endpoint fares',
    scope,
    answers: { 200: { description: 'The subscription', schema: shownSubscriptionSchema } },
    problems: ['not-found'],
  },
  {
    id: 'changeSubscription',
    method: 'patch',
    path: '/v1/subscriptions/{id}',
    tag,
    summary: 'Change, enable or disable a subscription',
    description:
      'Only what is named changes; `description: null` takes it away. With `enabled: true`, `missed` says what becomes of what was not sent meanwhile: `send` goes on where it stood, in order; `skip` (the default) begins at the end of the log and notes the stretch, which a replay can send later.',
    scope,
    body: changeSubscriptionSchema(anyTerms),
    example: { enabled: true, missed: 'send', reason: 'The endpoint is mended.' },
    answers: { 200: { description: 'As it is now', schema: shownSubscriptionSchema } },
    problems: ['not-found', 'commit-contended'],
  },
  {
    id: 'deleteSubscription',
    method: 'delete',
    path: '/v1/subscriptions/{id}',
    tag,
    summary: 'Delete a subscription',
    scope,
    answers: { 204: { description: 'It is no more' } },
    problems: ['not-found', 'commit-contended'],
  },
  {
    id: 'rotateSecret',
    method: 'post',
    path: '/v1/subscriptions/{id}/rotate',
    tag,
    summary: 'Give it another signing secret',
    description:
      'Until the overlap is over, what is sent bears a signature by each secret; then the new one signs alone. A secret of your own makes the call safe to repeat.',
    scope,
    body: rotateSchema,
    bodyOptional: true,
    example: { overlapHours: 24 },
    answers: { 200: { description: 'With the new secret', schema: rotatedSubscriptionSchema } },
    problems: ['not-found', 'commit-contended'],
  },
  {
    id: 'testSubscription',
    method: 'post',
    path: '/v1/subscriptions/{id}/test',
    tag,
    summary: 'Send it a test event now',
    description:
      'Sends `tallyhook.subscription.tested.v1`, which is not in the log, also to one that is disabled, and tells what came of it. A failure changes nothing.',
    scope,
    answers: { 200: { description: 'What came of it', schema: testedSchema } },
    problems: ['not-found', 'outbound-failed'],
  },
]
