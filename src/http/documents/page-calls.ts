/** The calls of the OpenAPI document for people. */
import { escapeHtml } from '../ops/page.ts'
import type { Json } from './json-schema.ts'
import { renderField, renderSchema, renderText } from './page-schema.ts'

type Content = Record<string, { schema: Json; example?: unknown }>

export interface Call {
  method: string
  path: string
  operationId: string
  tags: string[]
  summary: string
  description?: string
  'x-scopes'?: string[]
  parameters?: { name: string; in: string; required: boolean; description?: string; schema: Json }[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

export function callsOf(openApi: Json): Call[] {
  const paths = openApi.paths as Record<string, Record<string, Omit<Call, 'method' | 'path'>>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ method, path, ...call })),
  )
}

export function renderCall(call: Call, schemas: Record<string, Json>): string {
  const { method, path, operationId, summary, description, parameters = [], requestBody, responses } = call
  const said = Object.entries(responses)
  const answers = said.filter(([, { content }]) => !isProblem(content))
  const problems = said.filter(([, { content }]) => isProblem(content))
  return `<section class="item" id="${escapeHtml(operationId)}">
<h3><a href="#${escapeHtml(operationId)}">${escapeHtml(summary)}</a></h3>
<p class="call">${renderMethod(method)} <code>${renderPath(path)}</code></p>
${(description ?? '')
  .split('\n\n')
  .filter((text) => text !== '')
  .map((text) => `<p>${renderText(text)}</p>`)
  .join('')}
${parameters.length > 0 ? `<h4>Parameters</h4><dl class="fields">${parameters.map(renderParameter).join('')}</dl>` : ''}
${requestBody ? renderBody(requestBody, schemas) : ''}
<h4>Answers</h4>
${answers.map(renderAnswer).join('')}
${problems.length > 0 ? renderProblems(problems) : ''}
</section>`
}

export function renderMethod(method: string): string {
  return `<span class="method ${escapeHtml(method)}">${escapeHtml(method.toUpperCase())}</span>`
}

/** It may break after a slash, and nowhere else. */
function renderPath(path: string): string {
  return escapeHtml(path).replaceAll('/', '<wbr>/')
}

function renderParameter({
  name,
  in: where,
  required,
  description,
  schema,
}: NonNullable<Call['parameters']>[number]) {
  const text = [description, where === 'path' && 'In the path.', where === 'header' && 'In a header.']
  const field = { ...schema, description: text.filter(Boolean).join(' ') || undefined }
  return renderField(name, field, { required })
}

function renderBody(
  { required, content }: NonNullable<Call['requestBody']>,
  schemas: Record<string, Json>,
): string {
  const parts = Object.values(content).map(({ schema, example }) => {
    const shown =
      example === undefined
        ? ''
        : `<details><summary>Example</summary><pre tabindex="0">${escapeHtml(JSON.stringify(example, null, 2))}</pre></details>`
    const named = schemas[String(schema.$ref).split('/').at(-1) ?? '']
    return (named ? renderSchema(named) : renderSchema(schema)) + shown
  })
  return `<h4>Body${required ? '' : ' <span class="optional">optional</span>'}</h4>${parts.join('')}`
}

function renderAnswer([status, { description, content = {} }]: [string, Call['responses'][string]]): string {
  const [[type, body] = []] = Object.entries(content)
  const schema =
    body === undefined || type !== 'application/json'
      ? type === undefined
        ? ''
        : `<p class="type">${escapeHtml(type)}</p>`
      : renderSchema(body.schema)
  return `<div class="answer"><p><b class="status">${escapeHtml(status)}</b> ${renderText(description)}</p>${schema}</div>`
}

function renderProblems(problems: [string, Call['responses'][string]][]): string {
  const rows = problems.map(
    ([status, { description }]) =>
      `<li><b class="status">${escapeHtml(status)}</b> ${description
        .split('; ')
        .map(renderText)
        .join('<br>')}</li>`,
  )
  return `<details><summary>Problems</summary><ul class="problems">${rows.join('')}</ul></details>`
}

function isProblem(content: Content | undefined): boolean {
  return content?.['application/problem+json'] !== undefined
}
