/** Any provider, by declaration alone: how its callbacks are verified and where in them each thing stands. */
import { z } from 'zod'
import { invalidConfiguration } from '../invalid.ts'
import type { SecretSources } from '../secrets.ts'
import { checkCurrency, commonFields, resolveCommon, text } from './common.ts'
import { querySchema, resolveQuery } from './generic-query.ts'
import { resolveTranslate, translateSchema } from './generic-translate.ts'
import { resolveVerify, verifySchema } from './generic-verify.ts'

export const genericSchema = z.strictObject({
  ...commonFields,
  provider: z.literal('generic'),
  callbackPath: text.regex(/^\/[!-"$->@-~]*$/, 'It is the path alone, as /callbacks/acme.').optional(),
  verify: verifySchema,
  translate: translateSchema,
  /** How it is asked about one of ours. */
  query: querySchema.optional(),
})

export type GenericSettings = ReturnType<typeof resolveGeneric>

export function resolveGeneric(
  { verify: verifyFile, translate: translateFile, query, ...rest }: z.output<typeof genericSchema>,
  path: string,
  sources: SecretSources,
) {
  checkCurrency(rest.currency, path)
  const translate = resolveTranslate(translateFile, `${path}.translate`)
  const verify = resolveVerify(verifyFile, `${path}.verify`, sources)
  const signsPath = 'signed' in verify && verify.signed.some(({ kind }) => kind === 'path')
  if (rest.callbackPath !== undefined && !signsPath)
    throw invalidConfiguration(`${path}.callbackPath`, 'The path is not part of what is signed; remove it.')
  return {
    ...rest,
    ...resolveCommon(rest, path),
    verify,
    translate,
    query: query && resolveQuery(query, `${path}.query`, { sources, usual: translate }),
  }
}

export function keyIdsOfGeneric({ verify }: GenericSettings): string[] {
  return verify.scheme === 'none' ? ['none'] : verify.keys.map(({ id }) => id)
}
