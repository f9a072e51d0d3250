/** What a page is made of: who asks and for what, and what became of that. */
import type { Request, Response } from 'express'
import type { AuditFacts } from '../../../domain/audit.ts'
import type { AppError } from '../../../domain/errors.ts'
import type { Scope } from '../../../domain/scopes.ts'
import { noteFacts } from '../../audited.ts'
import type { Principal } from '../../principal.ts'
import type { SafeHtml } from './html.ts'
import type { NavigationKey, NoticeKey } from './words.ts'

export interface Context {
  principal: Principal
  /** A part of the path, as `id`. */
  param(name: string): string
  /** The first of that name in the address; undefined where it is missing or empty. */
  query(name: string): string | undefined
  /** What was posted. */
  form: Readonly<Record<string, string>>
  may(scope: Scope): boolean
  now: number
  /** For the record: what changed, where it is small and not personal. */
  note(facts: { before?: AuditFacts; after?: AuditFacts }): void
  /** Why what was posted could not be done: the page says so and shows what was posted. */
  problem?: AppError
}

export interface Page {
  title: string
  current?: NavigationKey
  body: SafeHtml
  status?: number
}

/** Where to go after something was done, and what is said there. */
export interface Onward {
  to: string
  notice?: NoticeKey
}

export type Render = (context: Context) => Promise<Page | Onward>
export type Act = (context: Context) => Promise<Onward>

export function contextOf(req: Request, res: Response, principal: Principal, now: number): Context {
  const form = Object.entries(Object(req.body) as Record<string, unknown>)
  return {
    principal,
    param: (name) => String(req.params[name] ?? ''),
    query: (name) => textOf(req.query[name]),
    form: Object.fromEntries(
      form.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    ),
    may: (scope) => principal.scopes.includes(scope),
    now,
    note: (facts) => noteFacts(res, facts),
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
