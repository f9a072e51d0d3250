/** What people did, as it stands on record. */
import type { AuditReading } from '../../../../store/audit-reading.ts'
import { type AuditResource, listAudit, readAuditPlace } from '../../../api/audit.ts'
import type { Context, Page } from '../context.ts'
import { html, type Part } from '../html.ts'
import { badge, nextPage, table, time } from '../parts.ts'
import { consolePaths, withQuery } from '../paths.ts'
import { words } from '../words.ts'
import { linkToSubject } from './subscriptions.ts'

export interface AuditPageDeps {
  audit: Pick<AuditReading, 'list'>
}

const shown = 50
const placePattern = /^au-[1-9]\d{0,14}$/

export function createAuditPage({ audit }: AuditPageDeps) {
  return async ({ query }: Context): Promise<Page> => {
    const [who, action, target, asked] = [query('who'), query('action'), query('target'), query('after')]
    const after = asked !== undefined && placePattern.test(asked) ? asked : undefined
    const page = await listAudit(audit, { who, action, target, before: readAuditPlace(after), limit: shown })
    const next = page.next
      ? withQuery(consolePaths.audit, { who, action, target, after: page.next })
      : undefined
    const { audit: said, fields } = words
    const isNarrowed = who !== undefined || action !== undefined || target !== undefined
    return {
      title: said.title,
      current: 'audit',
      body: html`<section><p class="hint">${said.hint}</p>
${isNarrowed && html`<ul class="filters"><li><a href="${consolePaths.audit}">${said.everything}</a></li></ul>`}
${table({
  caption: said.title,
  columns: [
    { text: said.at },
    { text: said.who },
    { text: said.action },
    { text: said.target },
    { text: said.outcome },
    { text: fields.reason ?? '' },
    { text: said.change },
  ],
  rows: page.items.map(auditRow),
  empty: said.empty,
})}${nextPage(next)}</section>`,
    }
  }
}

function auditRow(one: AuditResource): Part[] {
  const { audit: said } = words
  const narrow = (name: 'who' | 'action', value: string) =>
    html`<a href="${withQuery(consolePaths.audit, { [name]: value })}">${value}</a>`
  return [
    time(one.at),
    html`${narrow('who', one.who)}<br><span class="hint">${said.ways[one.via]}</span>`,
    narrow('action', one.action),
    one.target !== undefined && linkToSubject(one.target),
    html`${badge(one.outcome, said.outcomes[one.outcome], tones[one.outcome])}${one.code !== undefined && html`<br><span class="hint">${one.code}</span>`}`,
    one.reason,
    renderChange(one),
  ]
}

const tones = { done: 'good', refused: 'busy', failed: 'bad', 'not-known': 'bad' } as const

function renderChange({ before, after }: AuditResource): Part {
  const said = (facts: AuditResource['after']) =>
    Object.entries(facts ?? {})
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join(', ')
  return (before ?? after) && html`${said(before)} → ${said(after)}`
}
