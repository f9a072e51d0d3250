/** The events of the AsyncAPI document for people. */
import { escapeHtml } from '../ops/page.ts'
import type { Json } from './json-schema.ts'
import { linkTo, renderField, renderText } from './page-schema.ts'
import { webhookHeaders } from './webhook-headers.ts'

interface Channel {
  title: string
  description: string
}

export interface EventGroup {
  noun: string
  /** The resource that they hold. */
  schema: string
  types: string[]
}

export function eventGroupsOf(asyncApi: Json): EventGroup[] {
  const { messages } = asyncApi.components as { messages: Record<string, Json> }
  const groups = new Map<string, string[]>()
  for (const type of Object.keys(messages)) {
    const noun = type.split('.')[1] ?? ''
    groups.set(noun, [...(groups.get(noun) ?? []), type])
  }
  return [...groups].map(([noun, types]) => ({ noun, schema: capital(noun), types }))
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function renderChannels(asyncApi: Json): string {
  const { feed, push } = asyncApi.channels as Record<'feed' | 'push', Channel>
  const headers = Object.entries(webhookHeaders).map(([name, schema]) =>
    renderField(name, schema, { required: true }),
  )
  const { description } = asyncApi.info as { description: string }
  return `<p>${renderText(description)} Each is an ${linkTo('Event')}.</p>
<section class="item" id="feed"><h3><a href="#feed">${escapeHtml(feed.title)}</a></h3><p>${renderText(feed.description)}</p></section>
<section class="item" id="push"><h3><a href="#push">${escapeHtml(push.title)}</a></h3><p>${renderText(push.description)}</p>
<h4>Headers</h4><dl class="fields">${headers.join('')}</dl></section>`
}

export function renderEventGroup({ noun, schema, types }: EventGroup): string {
  const rows = types.map((type) => `<li><code>${escapeHtml(type).replaceAll('.', '<wbr>.')}</code></li>`)
  return `<section class="item" id="events-${escapeHtml(noun)}"><h3><a href="#events-${escapeHtml(noun)}">Events of a ${escapeHtml(noun)}</a></h3>
<p><code>data.object</code> is ${linkTo(schema)} as it stands after the change.</p><ul class="types">${rows.join('')}</ul></section>`
}
