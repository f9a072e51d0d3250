/**
 * The template of what is signed, as `{timestamp}.{body}`. One text must not be cut in two ways, or a part of the body
 * could pass for a header: so a header is set apart by literal text on both sides, and each thing stands in it once. A time
 * beside the body needs text between them as well, or one declared form: a digit more or less is then another century.
 */
import { invalidConfiguration } from '../invalid.ts'

const plainKinds = ['timestamp', 'body', 'bodySha256', 'path', 'method'] as const
type PlainKind = (typeof plainKinds)[number]

export type SignedPart =
  | { kind: 'literal'; text: string }
  | { kind: PlainKind }
  | { kind: 'header'; name: string; before?: string | undefined; after?: string | undefined }

export function parseTemplate(template: string, path: string): SignedPart[] {
  const parts = template.split(/(\{[^{}]*\})/).filter((piece) => piece !== '')
  const parsed = parts.map((piece) => parsePiece(piece, path))
  if (new Set(parts.filter((piece) => piece.startsWith('{'))).size < parsed.filter(isVariable).length)
    throw invalidConfiguration(path, 'Each part may stand in it once.')
  if (!parsed.some(({ kind }) => kind === 'body' || kind === 'bodySha256'))
    throw invalidConfiguration(path, 'It must hold {body} or {bodySha256}, or the body is not protected.')
  return parsed.map((part, index) => (part.kind === 'header' ? setApart(part, parsed, index, path) : part))
}

function parsePiece(piece: string, path: string): SignedPart {
  if (!/[{}]/.test(piece)) return { kind: 'literal', text: piece }
  const name = piece.slice(1, -1)
  const header = /^header:([A-Za-z0-9-]+)$/.exec(name)?.[1]
  if (header !== undefined) return { kind: 'header', name: header.toLowerCase() }
  const kind = plainKinds.find((known) => `{${known}}` === piece)
  if (kind) return { kind }
  const known = plainKinds.map((one) => `{${one}}`).join(', ')
  throw invalidConfiguration(path, `It holds text, ${known} and {header:<name>}, and no other braces.`)
}

function isVariable({ kind }: SignedPart): boolean {
  return kind !== 'literal'
}

function setApart(
  part: Extract<SignedPart, { kind: 'header' }>,
  parts: readonly SignedPart[],
  index: number,
  path: string,
): SignedPart {
  const before = parts[index - 1]
  const after = parts[index + 1]
  if ((before && before.kind !== 'literal') || (after && after.kind !== 'literal'))
    throw invalidConfiguration(
      path,
      `{header:${part.name}} must be set apart by text from what is beside it.`,
    )
  return { ...part, before: before?.text, after: after?.text }
}
