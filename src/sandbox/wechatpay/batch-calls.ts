/** `/v3/partner-transfer/batches`: the order and the four queries, over the batches that were taken. */
import { constants, type KeyObject, publicEncrypt } from 'node:crypto'
import { z } from 'zod'
import { formatShanghaiTime } from '../wechatpay-events.ts'
import { asAnswer } from './answer.ts'
import { type Batch, batchFigures, batchStatus, type Detail, describeBatch, describeDetail } from './batch.ts'
import { type BatchOrder, type Encrypting, readBatchOrder } from './batch-order.ts'
import type { Callbacks, Notice } from './callbacks.ts'
import { oneOf, readBody, readFields } from './fields.ts'
import { type Handler, isTurnedAway, type Outcome, type Received } from './handle.ts'
import { type FateOf, planBatch } from './plan.ts'
import { problems } from './problem.ts'
import type { Turn, Turns } from './turn.ts'

export interface BatchCallsDeps {
  mchid: string
  merchantPublicKey: KeyObject
  find: Encrypting['find']
  fateOf: FateOf
  turns: Turns
  clock: () => number
  /** After a batch was taken for the first time. */
  taken: (batch: Batch) => void
}

export interface BatchCalls {
  order: Handler
  batch(key: 'batch_id' | 'out_batch_no'): Handler
  detail(key: 'batch_id' | 'out_batch_no'): Handler
  all(): Iterable<Batch>
}

type Accepted = { batch: Batch; same: string }

export function createBatchCalls(deps: BatchCallsDeps): BatchCalls {
  const { clock, fateOf, turns } = deps
  const byNumber = new Map<string, Accepted>()
  const byId = new Map<string, Batch>()

  function take(order: BatchOrder): Outcome {
    const number = order.out_batch_no
    const same = JSON.stringify(order)
    const held = byNumber.get(number)
    if (held && held.same !== same) return asAnswer(problems.otherParameters('/out_batch_no'))
    const turn = turns.ofOrder(number, fateOf(number, order.total_amount))
    if (held) return acknowledge(held.batch, turn)
    if (isTurnedAway(turn)) return { status: 500, body: {}, turn }
    const batch = planBatch(order, clock(), fateOf)
    byNumber.set(number, { batch, same })
    byId.set(batch.batchId, batch)
    deps.taken(batch)
    return acknowledge(batch, turn)
  }

  function find(key: 'batch_id' | 'out_batch_no', { req }: Received): Batch | undefined {
    const named = String(req.params[key])
    return key === 'batch_id' ? byId.get(named) : byNumber.get(named)?.batch
  }

  const turnOfBatch = ({ order }: Batch) =>
    turns.ofQuery(order.out_batch_no, fateOf(order.out_batch_no, order.total_amount))

  const turnOfDetail = (batch: Batch, { order }: Detail) =>
    turns.ofQuery(
      `${batch.order.out_batch_no} ${order.out_detail_no}`,
      fateOf(order.out_detail_no, order.transfer_amount),
    )

  return {
    async order({ body, serial }) {
      const json = readBody(body)
      if (json.outcome === 'refused') return asAnswer(json.problem)
      const order = await readBatchOrder(json.value, { serial, find: deps.find })
      return order.outcome === 'refused' ? asAnswer(order.problem) : take(order.value)
    },
    batch: (key) => (received) => {
      const query = readQuery(received.req.query)
      if (query.outcome === 'refused') return asAnswer(query.problem)
      const batch = find(key, received)
      if (!batch) return asAnswer(problems.notFound)
      const { need_query_detail: listed, offset, limit, detail_status: status } = query.value
      const details = listed === 'true' && status !== undefined ? { offset, limit, status } : undefined
      const body = describeBatch(batch, { mchid: deps.mchid, now: clock(), details })
      return { status: 200, body, turn: turnOfBatch(batch) }
    },
    detail: (key) => (received) => {
      const batch = find(key, received)
      const { detail_id, out_detail_no } = received.req.params
      const detail = batch?.details.find((one) =>
        key === 'batch_id' ? one.detailId === detail_id : one.order.out_detail_no === out_detail_no,
      )
      if (!batch || !detail) return asAnswer(problems.notFound)
      const encrypt = (text: string) => encryptFor(text, deps.merchantPublicKey)
      const body = describeDetail(batch, detail, { mchid: deps.mchid, now: clock(), encrypt })
      return { status: 200, body, turn: turnOfDetail(batch, detail) }
    },
    *all() {
      for (const { batch } of byNumber.values()) yield batch
    },
  }
}

function acknowledge({ order, batchId, acceptedAt }: Batch, turn: Turn): Outcome {
  const create_time = formatShanghaiTime(acceptedAt)
  return {
    status: 200,
    body: { out_batch_no: order.out_batch_no, batch_id: batchId, create_time },
    turn,
  }
}

const whole = (issue: string) =>
  z
    .string({ error: 'It stands twice.' })
    .regex(/^[0-9]{1,9}$/, issue)
    .transform(Number)

const querySchema = z
  .object({
    need_query_detail: oneOf(['true', 'false']),
    offset: whole('It must be a whole number.').default(0),
    limit: whole('It must be a whole number.')
      .refine((limit) => limit >= 20 && limit <= 100, 'It must be 20 to 100.')
      .default(20),
    detail_status: oneOf(['ALL', 'SUCCESS', 'FAIL', 'WAIT_PAY', 'REFUND']).optional(),
  })
  .refine(({ need_query_detail, detail_status }) => need_query_detail === 'false' || detail_status, {
    path: ['detail_status'],
    error: 'It is needed where details are asked for.',
  })

function readQuery(query: unknown) {
  return readFields(querySchema, query, 'query')
}

function encryptFor(text: string, key: KeyObject): string {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  return publicEncrypt({ key, ...padding }, Buffer.from(text)).toString('base64')
}

/** Of direct merchants' batches alone, as documented; sent where somebody wants to see that they are borne with. */
export function announceBatches({ callbacks, mchid, fateOf, clock }: AnnounceDeps): (batch: Batch) => void {
  return (batch) => {
    const { out_batch_no, total_amount } = batch.order
    const fate = fateOf(out_batch_no, total_amount)
    callbacks.later(batch.endsAt - clock(), () => callbacks.send(describeNotice(batch, mchid), fate))
  }
}

interface AnnounceDeps {
  callbacks: Callbacks
  mchid: string
  fateOf: FateOf
  clock: () => number
}

function describeNotice(batch: Batch, mchid: string): Notice {
  const { order, endsAt, closeReason } = batch
  const status = batchStatus(batch, endsAt)
  return {
    eventType: `MCHTRANSFER.BATCH.${status}`,
    originalType: 'mch_payment',
    summary: status === 'CLOSED' ? '商家转账批次关闭通知' : '商家转账批次完成通知',
    resource: {
      mchid,
      out_batch_no: order.out_batch_no,
      batch_id: batch.batchId,
      batch_status: status,
      total_num: order.total_num,
      total_amount: order.total_amount,
      ...(closeReason ? { close_reason: closeReason } : batchFigures(batch)),
      update_time: formatShanghaiTime(endsAt),
    },
  }
}
