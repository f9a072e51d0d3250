/** A schema for people: its fields by name, each with its type, and what has a name as a link. */
import { escapeHtml } from '../ops/page.ts'
import type { Json } from './json-schema.ts'

interface Shown extends Json {
  $ref?: string
  type?: string
  properties?: Record<string, Shown>
  required?: string[]
  items?: Shown
  additionalProperties?: Shown | boolean
  anyOf?: Shown[]
  enum?: unknown[]
  const?: unknown
  description?: string
}

export function renderSchema(schema: Json): string {
  const shown = schema as Shown
  const type = `<p class="type">${renderType(shown)}</p>`
  const fields = renderFields(shown)
  return isPlainObject(shown) && fields !== '' ? fields : type + fields
}

/** Of one field, or of what a list holds: in a line. */
export function renderType(schema: Json): string {
  const { $ref, type, items, anyOf, const: only, enum: values, format } = schema as Shown
  if ($ref !== undefined) return linkTo($ref.split('/').at(-1) ?? '')
  if (only !== undefined) return renderValue(only)
  if (values) return values.map(renderValue).join(' <span class="or">or</span> ')
  if (anyOf) return anyOf.map(renderType).join(' <span class="or">or</span> ')
  if (items) return `list of ${renderType(items)}`
  const { additionalProperties: each } = schema as Shown
  if (typeof each === 'object' && each.type !== undefined) return `map to ${renderType(each)}`
  const bounds = renderBounds(schema)
  const name = typeof format === 'string' ? format : (type ?? 'anything')
  return `${escapeHtml(String(name))}${bounds === '' ? '' : ` <span class="bounds">${bounds}</span>`}`
}

export function linkTo(name: string): string {
  return `<a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`
}

function renderValue(value: unknown): string {
  return `<code>${escapeHtml(JSON.stringify(value).replace(/^"|"$/g, ''))}</code>`
}

function renderBounds({ minimum, maximum, minLength, maxLength, minItems, maxItems }: Json): string {
  const [low, high] = [minimum ?? minLength ?? minItems, maximum ?? maxLength ?? maxItems]
  const isText = minLength !== undefined || maxLength !== undefined
  // That it is not empty goes without saying.
  const least = low === undefined || low === 0 || (isText && low === 1) ? '' : String(low)
  const most = high === undefined ? '' : String(high)
  if (least === '' && most === '') return ''
  const unit = isText ? ' characters' : ''
  if (most === '') return `from ${least}${unit}`
  return least === '' ? `to ${most}${unit}` : `${least} to ${most}${unit}`
}

function isPlainObject({ $ref, anyOf }: Shown): boolean {
  return $ref === undefined && anyOf === undefined
}

/** Those of the object itself, of what a list holds, or of each form that it may have. */
function renderFields(schema: Shown): string {
  if (schema.$ref !== undefined) return ''
  if (schema.items) return renderFields(schema.items)
  if (schema.anyOf) return schema.anyOf.map(renderFields).join('')
  const { properties, required = [] } = schema
  if (!properties || Object.keys(properties).length === 0) return ''
  const rows = Object.entries(properties).map(([name, field]) =>
    renderField(name, field, { required: required.includes(name) }),
  )
  return `<dl class="fields">${rows.join('')}</dl>`
}

export function renderField(name: string, field: Json, { required }: { required: boolean }): string {
  const { description } = field as Shown
  const inner = renderFields(field as Shown)
  const mark = required ? '' : ' <span class="optional">optional</span>'
  const text = description === undefined ? '' : `<p>${renderText(description)}</p>`
  return `<div><dt><code>${escapeHtml(name)}</code> <span class="type">${renderType(field)}</span>${mark}</dt><dd>${text}${inner}</dd></div>`
}

/** What stands in backticks is code; nothing else is written in another way. */
export function renderText(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}
