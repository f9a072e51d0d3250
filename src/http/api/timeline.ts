/** Why a transfer, a batch, a coupon or a pay-in is where it is. */
import { Router } from 'express'
import { AppError } from '../../domain/errors.ts'
import type { IntentEvent } from '../../domain/event.ts'
import { eventIdOf, type IntentId } from '../../domain/ids.ts'
import { formatTime } from '../../domain/time.ts'
import { presentCase } from '../../events/case-resource.ts'
import { typeOf } from '../../events/envelope.ts'
import { readBatchId, readCollectionId, readCouponId, readTransferId } from '../../store/ids.ts'
import type { ReadTimeline, Timeline, TimelineItem } from '../../workers/timeline.ts'
import type { Principal } from '../principal.ts'
import { allowOnly } from './allow.ts'
import { holdsScope, requireScope } from './authorize.ts'
import type { Operation } from './operation.ts'
import { presentSide } from './present-sides.ts'
import { timelineSchema } from './timeline-schemas.ts'

export interface TimelineRoutesDeps {
  authenticate(token: string): Principal | null
  readTimeline: ReadTimeline
}

interface Kind {
  tag: string
  noun: string
  readId(text: string): IntentId | undefined
}

const kinds: readonly Kind[] = [
  { tag: 'transfers', noun: 'transfer', readId: readTransferId },
  { tag: 'batches', noun: 'batch', readId: readBatchId },
  { tag: 'coupons', noun: 'coupon', readId: readCouponId },
  { tag: 'collections', noun: 'pay-in', readId: readCollectionId },
]

export function createTimelineRoutes({ authenticate, readTimeline }: TimelineRoutesDeps): Router {
  const router = Router()
  for (const { tag, noun, readId } of kinds) {
    const path = `/${tag}/:id/timeline`
    router.get(path, requireScope(authenticate, 'transfers:read'), async (req, res) => {
      const id = readId(String(req.params.id))
      const timeline = id && (await readTimeline(id))
      if (!timeline) throw new AppError('not-found', { detail: `There is no ${noun} with this id.` })
      // What a callback said is for operators; that there was one, and what became of it, for everybody.
      res.json(presentTimeline(timeline, { said: holdsScope(res, 'ops:read') }))
    })
    router.all(path, allowOnly('GET', 'HEAD'))
  }
  return router
}

export interface TimelineOptions {
  /** Whether what each callback said is shown. */
  said: boolean
}

export function presentTimeline({ intent, items, missing }: Timeline, options: TimelineOptions) {
  return {
    id: intent.id,
    state: intent.state,
    held: intent.hold !== undefined,
    items: items.map((item) => presentItem(item, intent, options)),
    missing,
  }
}

export type ShownItem = ReturnType<typeof presentItem>

function presentItem(item: TimelineItem, intent: Timeline['intent'], { said }: TimelineOptions) {
  const at = formatTime(item.at)
  switch (item.kind) {
    case 'event':
      return { at, kind: 'event' as const, ...presentEvent(item.event) }
    case 'case':
      return { at, kind: 'case' as const, case: presentCase(item.case) }
    case 'delivery':
      return { at, kind: 'delivery' as const, ...presentDelivery(item) }
    case 'receipt':
      return {
        at,
        ...presentReceipt(item),
        ...(said && { said: presentSide(item.side, intent, { names: true }) }),
      }
  }
}

function presentDelivery({ subscription, note }: Extract<TimelineItem, { kind: 'delivery' }>) {
  const { event, outcome, number, attempt } = note
  const { status, error } = attempt ?? {}
  return { subscription, event, outcome, attempt: number, status, error }
}

function presentReceipt({ record }: Extract<TimelineItem, { kind: 'receipt' }>) {
  const { id, outcome, receivedAt, unverified, asked, decidedOn } = record
  return {
    kind: asked?.source ?? ('callback' as const),
    receipt: id,
    receivedAt: formatTime(receivedAt),
    outcome,
    /** The intent's sequence that it was decided on. */
    decidedOn,
    unverified,
    asked: asked && { call: asked.call, status: asked.status, again: asked.again },
  }
}

function presentEvent(event: IntentEvent) {
  const { fact, because, intent } = event
  const { name, sequence, change } = fact
  return {
    id: eventIdOf(intent.id, sequence),
    type: typeOf(event),
    name,
    sequence,
    change,
    because,
    hold: name === 'held' ? intent.hold?.reason : undefined,
  }
}

export const timelineOperations: readonly Operation[] = kinds.map(({ tag, noun }) => ({
  id: `readTimelineOf${tag.charAt(0).toUpperCase()}${tag.slice(1)}`,
  method: 'get',
  path: `/v1/${tag}/{id}/timeline`,
  tag,
  summary: `Why a ${noun} is where it is`,
  description: 'All that was said of it, what was concluded of that, and who has to decide, in order.',
  scope: 'transfers:read',
  answers: { 200: { description: 'The timeline', schema: timelineSchema } },
  problems: ['not-found'],
}))
