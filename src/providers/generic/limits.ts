import { type Limits, refuseWechatpay } from '../limits.ts'

/** Nothing is known of what the provider refuses. */
export const genericLimits: Limits = { checkTransfer: () => [], checkBatch: refuseWechatpay }
