/** Tokens that end soon, or have: whoever uses one is refused from then on. */
import type { Config } from '../../config/config.ts'
import { describeEnd } from '../../http/api/tokens.ts'
import { type Finding, warning } from './finding.ts'

export function lookAtTokens({ tokens }: Pick<Config, 'tokens'>, now: number): Finding[] {
  return tokens.flatMap((token) => {
    const end = describeEnd(token, now)
    if (end === undefined) return []
    const mend =
      'Make another with tallyhook keys make token, give it to whoever uses it, and take this one out.'
    return [warning(`token ${token.id}`, `It ${end}.`, mend)]
  })
}
