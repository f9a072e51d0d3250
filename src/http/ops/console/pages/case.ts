/** One case: both sides, and a form that says before what each answer will do. */

import { z } from 'zod'
import type { Case } from '../../../../domain/case.ts'
import { readCaseId } from '../../../../domain/ids.ts'
import type { Intent } from '../../../../domain/intent.ts'
import { type ResolutionAction, resolutionActions } from '../../../../domain/observation.ts'
import { submissionHolds } from '../../../../domain/submission.ts'
import type { Cases } from '../../../../store/cases.ts'
import type { IntentStore } from '../../../../store/intents.ts'
import type { ReadSides } from '../../../../workers/case-sides.ts'
import { type PreviewedAction, previewResolutions } from '../../../../workers/preview-resolution.ts'
import type { ResolveCase } from '../../../../workers/resolve-case.ts'
import { noSuchCase } from '../../../../workers/resolve-request.ts'
import { caseReasonSchema, factsOfResolved } from '../../../api/cases.ts'
import { presentSides } from '../../../api/present-sides.ts'
import { validate } from '../../../api/validate.ts'
import type { Context, Onward, Page } from '../context.ts'
import { button, form, reasonField, renderProblem } from '../forms.ts'
import { html, type Part, type SafeHtml } from '../html.ts'
import { badge, code, definitions, duration, link, section, time } from '../parts.ts'
import { pathOfAccount, pathOfCase, pathOfIntent } from '../paths.ts'
import { renderSides } from '../sides-view.ts'
import { describeCase, toReceipt } from '../timeline-view.ts'
import { words } from '../words.ts'
import { readAmounts } from './cases.ts'

export interface CasePageDeps {
  cases: Pick<Cases, 'find'>
  intents: Pick<IntentStore, 'load'>
  readSides: ReadSides
  resolve: ResolveCase
}

const resolveSchema = z.object({
  reason: caseReasonSchema,
  action: z.enum(resolutionActions).optional(),
  receipt: z.string().max(64).optional(),
})

export function createCasePage({ cases, intents, readSides }: CasePageDeps) {
  return async (context: Context): Promise<Page> => {
    const id = readCaseId(context.param('id'))
    const one = id && (await cases.find(id))
    if (!one) throw noSuchCase()
    const [sides, amounts] = await Promise.all([readSides(one), readAmounts(intents, [one])])
    const names = context.may('transfers:read')
    const previews =
      one.kind === 'held' && one.state === 'open' && sides ? previewResolutions(one, sides, context.now) : []
    return {
      title: describeCase(one),
      current: 'cases',
      body: html`${renderProblem(context.problem)}
<section>${renderCase(one, amounts, context.now)}</section>
${section(
  words.cases.sides,
  sides ? renderSides(presentSides(sides, { names })) : html`<p>${words.cases.noSides}</p>`,
)}
${one.state === 'open' && renderResolve(one, previews, context)}`,
    }
  }
}

export function createResolveAct({ resolve }: CasePageDeps) {
  return async ({ param, form: given, principal, note }: Context): Promise<Onward> => {
    const id = param('id')
    // Of the receipts one is chosen with the action, as `take-theirs rc-…`.
    const [action, receipt] = (given.action ?? '').split(' ')
    const asked = validate(resolveSchema, { reason: given.reason, action: action || undefined, receipt })
    const { after } = await resolve({ ...asked, id, by: principal.id })
    note({ before: { state: 'open' }, after: factsOfResolved(after, asked.action) })
    return { to: pathOfCase(id), notice: 'resolved' }
  }
}

function renderCase(one: Case, amounts: ReadonlyMap<string, Part>, now: number): SafeHtml {
  const { fields } = words
  const field = (name: string, value: Part) => [fields[name] ?? name, value] as const
  const about = one.kind === 'callback-not-applied' ? undefined : one.intent
  return definitions([
    field('state', badge(one.state)),
    field('kind', words.cases.kinds[one.kind]),
    [words.cases.about, about ? link(pathOfIntent(about), code(about)) : toReceiptOf(one)],
    field('account', link(pathOfAccount(one.account), one.account)),
    field('atRisk', about && amounts.get(about)),
    field('openedAt', html`${time(one.openedAt)} (${words.ago(duration(now - one.openedAt))})`),
    field('reason', describeCase(one) !== one.reason && one.kind !== 'held' && one.reason),
    ...(one.state === 'resolved' ? describeResolved(one) : []),
  ])
}

function toReceiptOf(one: Case): Part {
  return one.kind === 'callback-not-applied' && toReceipt(one.receipt)
}

function describeResolved(one: Case & { state: 'resolved' }): (readonly [string, Part])[] {
  const { resolvedBy, fields } = { ...words.cases, fields: words.fields }
  const at = html`${time(one.resolvedAt)}`
  if (one.resolution === 'applied') return [[resolvedBy, html`${words.cases.appliedAfterAll}, ${at}`]]
  return [
    [resolvedBy, html`${one.resolvedBy}, ${at}`],
    [fields.action ?? '', one.action && words.cases.actions[one.action]],
    [words.cases.taken, one.taken && toReceipt(one.taken)],
    [fields.reason ?? '', one.resolvedBecause],
  ]
}

function renderResolve(one: Case, previews: readonly PreviewedAction[], context: Context): SafeHtml {
  if (!context.may('ops:act')) return section(words.cases.resolveHeading, html`<p>${words.cases.mayNot}</p>`)
  const { reason = '', action } = context.form
  const what =
    one.kind === 'held'
      ? html`<fieldset><legend>${words.cases.actionLegend}</legend>${previews.map((preview, i) => renderChoice(one, preview, { id: `action-${i}`, chosen: action }))}</fieldset>`
      : html`<p>${words.cases.noted}</p>`
  return section(
    words.cases.resolveHeading,
    form(
      { action: `${pathOfCase(one.id)}/resolve`, label: words.cases.resolveHeading },
      what,
      reasonField('reason', reason, words.reasonHint),
      button(words.cases.resolveButton),
    ),
  )
}

function renderChoice(
  one: Case,
  preview: PreviewedAction,
  { id, chosen }: { id: string; chosen: string | undefined },
): SafeHtml {
  const { action, receipt, obstacle } = preview
  const value = receipt === undefined ? action : `${action} ${receipt}`
  const cannot = obstacle !== undefined
  return html`<div class="choice${cannot && ' cannot'}">
<input type="radio" id="${id}" name="action" value="${value}" required aria-describedby="${id}-does"${cannot && html` disabled`}${value === chosen && html` checked`}>
<label for="${id}">${words.cases.actions[action]}${receipt !== undefined && html` <span class="id">${words.cases.takeFrom(receipt)}</span>`}</label>
<p id="${id}-does">${cannot ? html`${words.cases.cannot} ${words.intent.obstacles[obstacle] ?? obstacle}` : renderConsequences(one, preview)}</p>
</div>`
}

function renderConsequences(one: Case, { action, steps, anew }: PreviewedAction): SafeHtml {
  const { cases, states } = words
  const first = steps[0]?.fact.change.from?.state ?? ''
  const last = steps.at(-1)
  const to = last?.fact.change.to.state ?? first
  const nameOf = (state: string) => states[state] ?? state
  const said = [
    cases.released,
    first === to ? cases.stays(nameOf(to)) : cases.moves(nameOf(first), nameOf(to)),
    ...describeSending(action, last?.intent, one.code),
    cases.events(steps.map(({ fact }) => words.facts[fact.name].toLowerCase()).join(', ')),
    ...(anew > 0 ? [cases.anew(anew)] : []),
  ]
  return html`${said.join(' ')}`
}

/** Of a hold that is about sending, what keeping ours sets going. */
function describeSending(action: ResolutionAction, after: Intent | undefined, code: string): string[] {
  if (action !== 'keep-ours' || !(submissionHolds as ReadonlySet<string>).has(code)) return []
  if (after?.submission?.step === 'sending') return [words.cases.asks]
  return [code === 'refused-by-provider' ? words.cases.sendsAgain : words.cases.goesOn]
}
