/** Every call that the documents describe. Whoever adds routes adds their operations here; a test compares the two. */

import { documentOperations } from '../documents/operations.ts'
import { accountHealthOperations } from './account-health.ts'
import { accountOperations } from './accounts.ts'
import { auditOperations } from './audit.ts'
import { batchOperations } from './batches.ts'
import { callbackReplayOperations } from './callback-replays.ts'
import { cancelOperations } from './cancel.ts'
import { caseOperations } from './cases.ts'
import { collectionOperations } from './collections.ts'
import { couponOperations } from './coupons.ts'
import { deliveryOperations } from './deliveries.ts'
import { eventOperations } from './events.ts'
import type { Operation } from './operation.ts'
import { pauseOperations } from './pauses.ts'
import { receiptOperations } from './receipts.ts'
import { repeatOperations } from './repeats.ts'
import { replayOperations } from './replays.ts'
import { statusOperations } from './status.ts'
import { submissionOperations } from './submissions.ts'
import { subscriptionOperations } from './subscription-operations.ts'
import { timelineOperations } from './timeline.ts'
import { transferSearchOperations } from './transfer-search.ts'
import { transferOperations } from './transfers.ts'

export const operations: readonly Operation[] = [
  ...transferOperations,
  ...transferSearchOperations,
  ...cancelOperations,
  ...batchOperations,
  ...couponOperations,
  ...submissionOperations,
  ...timelineOperations,
  ...collectionOperations,
  ...eventOperations,
  ...subscriptionOperations,
  ...deliveryOperations,
  ...replayOperations,
  ...caseOperations,
  ...callbackReplayOperations,
  ...receiptOperations,
  ...accountHealthOperations,
  ...accountOperations,
  ...pauseOperations,
  ...repeatOperations,
  ...auditOperations,
  ...statusOperations,
  ...documentOperations,
]
