/**
 * WeChat Pay's error codes, and what is to be done about each. A row is documented [D] for the very call, or inferred [I]
 * from the common errors and those of merchants' own transfers; the README has the table with its sources. Nobody looks at
 * the `message` beside a code: WeChat Pay says that its text may change.
 */
import type { Remedy } from '../client.ts'

const codesByRemedy: Record<Remedy, string> = {
  // Not accepted, or not known whether; the same number with the same content is safe in either case. [D] but for the
  // spellings of other products.
  same: `SYSTEM_ERROR FREQUENCY_LIMITED FREQUENCY_LIMIT_EXCEED RATELIMIT_EXCEEDED BANK_ERROR 268461336`,
  // The number is there already. [I]
  ask: 'ALREADY_EXISTS RESOURCE_ALREADY_EXISTS',
  operator: `INVALID_REQUEST SIGN_ERROR APPID_MCHID_NOT_MATCH NO_AUTH ACCOUNTERROR NOT_ENOUGH QUOTA_EXCEED
    NOT_FOUND RESOURCE_NOT_EXISTS RULE_LIMIT 270079508 270079533 270079534`,
  // What was registered cannot become right: another amount, name or openid is another intent.
  failed: 'PARAM_ERROR 270079501 270079532',
}

const remedies: ReadonlyMap<string, Remedy> = new Map(
  Object.entries(codesByRemedy).flatMap(([remedy, codes]) =>
    codes.split(/\s+/).map((code): [string, Remedy] => [code, remedy as Remedy]),
  ),
)

const codesOfAbsence: ReadonlySet<string> = new Set(['NOT_FOUND', 'RESOURCE_NOT_EXISTS'])

/** An error that WeChat Pay signed. A fault of its own decides nothing; a code that is not known is for a person. */
export function remedyOf(status: number, code: string): Remedy {
  return status >= 500 ? 'same' : (remedies.get(code) ?? 'operator')
}

/** To a question: there is no such thing, at this moment. */
export function saysAbsent(status: number, code: string): boolean {
  return status === 404 && codesOfAbsence.has(code)
}
