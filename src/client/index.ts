/** `tallyhook/client`: what a downstream service imports. Nothing of the server comes with it, and no dependency. */
export type { CallOptions } from './calls.ts'
export {
  createTallyhookClient,
  type EventCalls,
  type StreamRequest,
  type TallyhookClient,
} from './client.ts'
export {
  DeliveryNotVerified,
  EventGap,
  EventsLost,
  type FieldError,
  type Gap,
  type Loss,
  type NotVerifiedCode,
  TallyhookError,
  type TallyhookErrorFields,
} from './errors.ts'
export {
  type Checkpoint,
  type FeedClient,
  type Followed,
  type Follower,
  type FollowOptions,
  followEvents,
} from './follow.ts'
export type { HeadReport, PartitionReport } from './head-count.ts'
export { isAbout } from './is-about.ts'
export type { Patience } from './patience.ts'
export type { DeliveryRequest } from './raw-body.ts'
export { type DeliveryResponse, type ReceiveOptions, RetryLater, receiveDeliveries } from './receive.ts'
export type { Interruption } from './reconnect.ts'
export { createMemorySeen, type SeenStore } from './seen.ts'
export {
  createMemorySequences,
  createSequenceGuard,
  type Last,
  type MemorySequences,
  type Numbered,
  type Order,
  type SequenceGuard,
  type SequenceGuardOptions,
  type SequenceStore,
} from './sequence.ts'
export { createSseParser, type Frame, FrameTooLong } from './sse.ts'
export type { StreamItem, StreamOptions } from './stream.ts'
export type { Fetch, TransportOptions } from './transport.ts'
export type * from './types/events.ts'
export type * from './types/requests.ts'
export type * from './types/resources.ts'
export type * from './types/subscriptions.ts'
export type * from './types/timeline.ts'
export { type HeadersGiven, isTestEvent, type VerifyOptions, verifyDelivery } from './verify.ts'
