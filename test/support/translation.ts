/** What a translation gave, by its kind, and what it must be whatever came in. */
import assert from 'node:assert/strict'
import type { Sighting } from '../../src/domain/observation.ts'
import type { Translation } from '../../src/providers/provider.ts'

export type SightingOf<Kind extends Sighting['kind']> = Extract<Sighting, { kind: Kind }>

export function sightingOf<Kind extends Sighting['kind']>(
  translation: Translation,
  kind: Kind,
): SightingOf<Kind> {
  assert.ok(translation.outcome === 'understood', 'reason' in translation ? translation.reason : '')
  assert.equal(translation.observation.kind, kind)
  return translation.observation as SightingOf<Kind>
}

export function reasonOf(translation: Translation): string {
  assert.ok(translation.outcome === 'not-understood', 'It was understood.')
  return translation.reason
}

/** Nothing that is not finite, whole and of a decent size; money in bigints alone. */
export function assertSound(translation: Translation): void {
  if (translation.outcome === 'understood') walk(translation.observation)
  else assert.ok(translation.reason.length < 2_000)
}

function walk(value: unknown): void {
  if (typeof value === 'string') assert.ok(value.length > 0 && value.length <= 256)
  else if (typeof value === 'number') assert.ok(Number.isSafeInteger(value))
  else if (typeof value === 'bigint') assert.ok(value >= 0n && value < 10n ** 18n)
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(part)
  else assert.fail(`${typeof value} in an observation`)
}
