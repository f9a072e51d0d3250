import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { ExpressAdapter } from '@bull-board/express'
import type { Queue } from 'bullmq'
import { type RequestHandler, Router } from 'express'
import { boardStylesPath, signOutPath } from './paths.ts'

export interface BoardOptions {
  queues: readonly Queue[]
  maskJobData(data: unknown): unknown
  basePath: string
  mayRetry: boolean
}

export function createBoard({ queues, maskJobData, basePath, mayRetry }: BoardOptions): Router {
  const serverAdapter = new ExpressAdapter().setBasePath(basePath)
  const adapters = queues.map((queue) => {
    const adapter = new BullMQAdapter(queue, {
      readOnlyMode: !mayRetry,
      allowRetries: mayRetry,
    })
    adapter.setFormatter('data', maskJobData)
    return adapter
  })
  createBullBoard({
    queues: adapters,
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Tallyhook queues',
        hideDocsLink: true,
        miscLinks: [{ text: 'Sign out', url: signOutPath }],
      },
    },
  })
  const router = Router()
  router.use(adaptPage, serverAdapter.getRouter() as RequestHandler)
  return router
}

/** A link to another host, as to its web fonts. */
const outsideLink = /<link\b[^>]*\bhref="(?:https?:)?\/\/[^>]*>/gi

/**
 * Its page asks another host for fonts. The policy would block it; without the link nothing is tried. And it is given a
 * stylesheet of ours after its own.
 */
const adaptPage: RequestHandler = (_req, res, next) => {
  const send = res.send.bind(res)
  const ours = `<link rel="stylesheet" href="${boardStylesPath}"></head>`
  res.send = (body) =>
    send(typeof body === 'string' ? body.replace(outsideLink, '').replace('</head>', ours) : body)
  next()
}
