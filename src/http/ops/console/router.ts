/** The console's routes. Every page asks for the right to look, everything that changes something for the right to act. */
import { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express'
import { AppError, errorCodes } from '../../../domain/errors.ts'
import type { Scope } from '../../../domain/scopes.ts'
import { describeRedisTrouble } from '../../../redis/trouble.ts'
import { noteCode } from '../../audited.ts'
import type { Principal } from '../../principal.ts'
import type { Guard } from '../guard.ts'
import { setConsoleHeaders } from '../security-headers.ts'
import { script, styles } from './assets.ts'
import { type Act, contextOf, type Onward, type Page, type Render } from './context.ts'
import { html } from './html.ts'
import { renderShell } from './layout.ts'
import {
  type AccountPageDeps,
  createAccountList,
  createAccountPage,
  createPauseAct,
} from './pages/accounts.ts'
import { type AuditPageDeps, createAuditPage } from './pages/audit.ts'
import { type CasePageDeps, createCasePage, createResolveAct } from './pages/case.ts'
import { type CaseListDeps, createCaseList } from './pages/cases.ts'
import { createIntentPage, type IntentPageDeps } from './pages/intent.ts'
import { createOverview, type OverviewDeps } from './pages/overview.ts'
import {
  createQuarantinePage,
  createReceiptPage,
  createReverifyAct,
  type ReceiptPageDeps,
} from './pages/quarantine.ts'
import { createSearchPage, type SearchPageDeps } from './pages/search.ts'
import {
  createSubscriptionList,
  createSubscriptionPage,
  type SubscriptionPageDeps,
} from './pages/subscriptions.ts'
import { link } from './parts.ts'
import { consolePaths, folders, withQuery } from './paths.ts'
import { type NoticeKey, words } from './words.ts'

export type ConsoleDeps = IntentPageDeps &
  SearchPageDeps &
  CaseListDeps &
  CasePageDeps &
  OverviewDeps &
  SubscriptionPageDeps &
  AccountPageDeps &
  ReceiptPageDeps &
  AuditPageDeps & {
    clock: () => number
  }

export type CreateConsole = (guard: Guard) => Router

export function createConsole(deps: ConsoleDeps): CreateConsole {
  return (guard) => {
    const router = Router()
    const { show, act } = createHandlers(guard, deps.clock)

    router.get('/console.css', setConsoleHeaders, (_req, res) => void res.type('css').send(styles))
    router.get('/console.js', setConsoleHeaders, (_req, res) => void res.type('js').send(script))

    const overview = createOverview(deps)
    router.get('/', show(overview.page))
    router.get('/figures', async (req, res) => {
      await guard(req, 'ops:read')
      res.type('html').send((await overview.figures()).toString())
    })

    const search = createSearchPage(deps)
    router.get('/search', show(search))
    router.post('/search', show(search))
    for (const kind of ['transfer', 'batch', 'coupon', 'collection'] as const)
      router.get(`/${folders[kind]}/:id`, show(createIntentPage(kind, deps)))

    router.get('/cases', show(createCaseList(deps)))
    const casePage = createCasePage(deps)
    router.get('/cases/:id', show(casePage))
    router.post('/cases/:id/resolve', act(createResolveAct(deps), casePage))
    router.get('/subscriptions', show(createSubscriptionList(deps)))
    router.get('/subscriptions/:id', show(createSubscriptionPage(deps)))

    const accountPage = createAccountPage(deps)
    router.get('/accounts', show(createAccountList(deps)))
    router.get('/accounts/:id', show(accountPage))
    for (const which of ['pause', 'resume'] as const)
      router.post(`/accounts/:id/${which}`, act(createPauseAct(which, deps), accountPage))

    const receiptPage = createReceiptPage(deps)
    router.get('/quarantine', show(createQuarantinePage(deps)))
    router.get('/receipts/:id', show(receiptPage))
    router.post('/receipts/:id/reverify', act(createReverifyAct(deps), receiptPage))

    router.get('/audit', show(createAuditPage(deps)))

    router.use(answerProblem)
    return router
  }
}

function createHandlers(guard: Guard, clock: () => number) {
  const ask = async (req: Request, res: Response, scope: Scope) => {
    const principal = await guard(req, scope)
    res.locals.principal = principal.id
    res.locals.asked = principal
    return contextOf(req, res, principal, clock())
  }
  return {
    show:
      (render: Render): RequestHandler =>
      async (req, res) => {
        const context = await ask(req, res, 'ops:read')
        send(req, res, context.principal, await render(context))
      },
    /** `again`: the page from which it was asked for, to say on it why it could not be. */
    act:
      (doIt: Act, again: Render): RequestHandler =>
      async (req, res) => {
        const context = await ask(req, res, 'ops:act')
        try {
          send(req, res, context.principal, await doIt(context))
        } catch (problem) {
          if (!(problem instanceof AppError) || errorCodes[problem.code].status >= 500) throw problem
          noteCode(res, problem.code)
          const page = await again({ ...context, problem })
          const { status } = errorCodes[problem.code]
          send(req, res, context.principal, 'to' in page ? page : { ...page, status })
        }
      },
  }
}

function send(req: Request, res: Response, principal: Principal, made: Page | Onward): void {
  if ('to' in made) {
    res.redirect(303, withQuery(made.to, { notice: made.notice }))
    return
  }
  res.setHeader('vary', 'cookie')
  setConsoleHeaders(req, res, () => {})
  const notice = Object.hasOwn(words.notices, String(req.query.notice))
    ? (req.query.notice as NoticeKey)
    : undefined
  res
    .status(made.status ?? 200)
    .type('html')
    .send(renderShell({ page: made, principal, notice: made.status ? undefined : notice }))
}

/** A person reads a page and not problem details; who is not signed in is sent to where that is done. */
const answerProblem: ErrorRequestHandler = (error: unknown, req, res, next) => {
  const known = error instanceof AppError ? error : describeRedisTrouble(error)
  const principal = res.locals.asked as Principal | undefined
  if (!known || !principal || req.accepts(['json', 'html']) !== 'html') return next(error)
  noteCode(res, known.code)
  const { status, title } = errorCodes[known.code]
  const body = html`<p>${title}. ${known.detail !== `${title}.` && known.detail}</p>
<p>${link(consolePaths.overview, words.errors.back)}</p>`
  send(req, res, principal, { title: words.errors.title, body, status })
}
