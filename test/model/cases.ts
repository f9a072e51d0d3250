/** Cases as the model keeps them. */
import { type Case, changedAtOf, openCase, resolveCase } from '../../src/domain/case.ts'
import type { Because } from '../../src/domain/event.ts'
import { caseIdOfReceipt } from '../../src/domain/ids.ts'
import type { Cases } from '../../src/store/cases.ts'
import { append, type ModelState } from './state.ts'

export function putCase(
  state: ModelState,
  before: Case | undefined,
  after: Case,
  because: Because,
  at: number,
): void {
  state.cases.set(after.id, after)
  if (before?.sequence === after.sequence) return
  const name = after.state === 'open' ? 'opened' : 'resolved'
  append(state, after.id, { fact: { name, sequence: after.sequence }, case: after, because, at })
}

export function createModelCases(state: ModelState, clock: () => number, resolvedMax: number): Cases {
  const newestFirst = (all: Case[]) =>
    all.sort((a, b) => changedAtOf(b) - changedAtOf(a) || (a.id < b.id ? 1 : -1))

  function put(before: Case | undefined, after: Case, because: Because): void {
    putCase(state, before, after, because, clock())
    const beside = (one: Case) =>
      one.state === 'resolved' &&
      one.account === after.account &&
      state.keys.partitionOf(one.id) === state.keys.partitionOf(after.id)
    const resolved = newestFirst([...state.cases.values()].filter(beside))
    for (const { id } of resolved.slice(resolvedMax)) state.cases.delete(id)
  }

  return {
    async open(failure) {
      const before = state.cases.get(caseIdOfReceipt(failure.receipt))
      const after = openCase(before, failure, clock())
      if (after) put(before, after, { source: 'callback', receipt: failure.receipt })
      return before?.state === 'open' ? 'open-before' : 'opened'
    },
    async settle(receipt) {
      const before = state.cases.get(caseIdOfReceipt(receipt))
      if (before?.state !== 'open') return 'nothing-open'
      const { after } = resolveCase(before, { resolution: 'applied' }, clock())
      put(before, after, { source: 'callback', receipt })
      return 'resolved'
    },
    async resolve(id, resolution) {
      const before = state.cases.get(id)
      if (!before) return undefined
      const answer = resolveCase(before, resolution, clock())
      const because: Because = {
        source: 'operator',
        by: resolution.resolvedBy,
        reason: resolution.resolvedBecause,
      }
      if (answer.outcome === 'resolved') put(before, answer.after, because)
      return answer
    },
    async list({ account, state: wanted, after, limit }) {
      const all = newestFirst([...state.cases.values()]).filter(
        (one) =>
          (account === undefined || one.account === account) &&
          (wanted === undefined || one.state === wanted) &&
          (after === undefined || placeOf(one) < after),
      )
      const last = all[limit - 1]
      return { cases: all.slice(0, limit), next: all.length > limit && last ? placeOf(last) : null }
    },
    find: async (id) => state.cases.get(id),
  }
}

function placeOf(one: Case): string {
  return `${String(changedAtOf(one)).padStart(14, '0')}.${one.id}`
}
