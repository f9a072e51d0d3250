/**
 * The documents as one page: made once, whole without a script, and loading nothing. Its policy allows the style and the script
 * that stand in it, by their digests, and nothing else.
 */
import { createHash } from 'node:crypto'
import { escapeHtml } from '../ops/page.ts'
import type { Json } from './json-schema.ts'
import { type Call, callsOf, renderCall, renderMethod } from './page-calls.ts'
import { capital, eventGroupsOf, renderChannels, renderEventGroup } from './page-events.ts'
import { renderSchema, renderText } from './page-schema.ts'
import { script, style } from './page-style.ts'

interface Documents {
  openApi: Json
  asyncApi: Json
}

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const policy = [
  "default-src 'none'",
  `style-src ${sourceOf(style)}`,
  `script-src ${sourceOf(script)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function renderReference({ openApi, asyncApi }: Documents): { html: string; policy: string } {
  const { version, description } = openApi.info as { version: string; description: string }
  const tags = openApi.tags as { name: string; description: string }[]
  const { schemas } = openApi.components as { schemas: Record<string, Json> }
  const calls = callsOf(openApi)
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Reference · Tallyhook</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<nav aria-label="Contents">
<p class="name">Tallyhook <small>${escapeHtml(version)}</small></p>
<div hidden><label for="filter" class="type">Filter</label><input id="filter" type="search" autocomplete="off" spellcheck="false"></div>
${tags.map(({ name }) => renderLinks(capital(name), linksOf(calls, name))).join('')}
${renderLinks('Messages', [link('feed', 'The feed'), link('push', 'Deliveries'), ...eventGroupsOf(asyncApi).map(({ noun }) => link(`events-${noun}`, `Of a ${noun}`))])}
${renderLinks(
  'Schemas',
  Object.keys(schemas).map((name) => link(`schema-${name}`, name)),
)}
</nav>
<main id="content">
<h1>Reference</h1>
<p>${renderText(description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1), <a href="/asyncapi.json">asyncapi.json</a> (AsyncAPI 3).</p>
<p id="none" role="status" hidden>Nothing here has these words.</p>
${tags.map((tag) => renderGroup(tag, calls, schemas)).join('')}
<section class="group"><h2>Messages</h2>${renderChannels(asyncApi)}${eventGroupsOf(asyncApi).map(renderEventGroup).join('')}</section>
<section class="group"><h2>Schemas</h2>${Object.entries(schemas).map(renderNamed).join('')}</section>
</main>
<script>${script}</script>
</body>
</html>
`
  return { html, policy }
}

function renderLinks(title: string, links: string[]): string {
  return `<details open><summary>${escapeHtml(title)}</summary><ul>${links.join('')}</ul></details>`
}

function linksOf(calls: readonly Call[], tag: string): string[] {
  return calls
    .filter(({ tags }) => tags.includes(tag))
    .map(({ operationId, method, summary }) => link(operationId, summary, renderMethod(method)))
}

function link(id: string, text: string, before = ''): string {
  return `<li><a href="#${escapeHtml(id)}">${before}<span>${escapeHtml(text)}</span></a></li>`
}

function renderGroup(
  { name, description }: { name: string; description: string },
  calls: readonly Call[],
  schemas: Record<string, Json>,
) {
  const own = calls.filter(({ tags }) => tags.includes(name))
  return `<section class="group"><h2>${escapeHtml(capital(name))}</h2><p>${renderText(description)}</p>${own.map((call) => renderCall(call, schemas)).join('')}</section>`
}

function renderNamed([name, schema]: [string, Json]): string {
  const id = escapeHtml(`schema-${name}`)
  return `<section class="item" id="${id}"><h3><a href="#${id}">${escapeHtml(name)}</a></h3>${renderSchema(schema)}</section>`
}
