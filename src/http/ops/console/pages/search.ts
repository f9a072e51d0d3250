/**
 * One box for an id, a reference, a provider's number and an account number. It is a post, so that what is searched for
 * stands in no address, no log of a proxy and no browser's history.
 */
import type { Intent } from '../../../../domain/intent.ts'
import type { FindNamed } from '../../../../store/find-named.ts'
import type { TransferSearch } from '../../../../store/transfer-search.ts'
import type { Context, Onward, Page } from '../context.ts'
import { button, choices, form } from '../forms.ts'
import { html, type SafeHtml } from '../html.ts'
import { section, table } from '../parts.ts'
import { consolePaths, pathOfIntent } from '../paths.ts'
import { words } from '../words.ts'
import { transferColumns, transferRow } from './intent.ts'

export interface SearchPageDeps {
  accounts: readonly string[]
  findNamed: FindNamed
  search: TransferSearch
}

const textMax = 200
const shownMax = 50
const states = [
  'registered',
  'submitted',
  'accepted',
  'processing',
  'succeeded',
  'failed',
  'returned',
  'cancelled',
  'expired',
  'finished',
  'closed',
  'granted',
  'completed',
  'held',
]

export function createSearchPage({ accounts, findNamed, search }: SearchPageDeps) {
  async function lookFor(text: string, { form: asked, may }: Context) {
    const account = accounts.find((one) => one === asked.account)
    const isWanted = (intent: Intent) =>
      !asked.state || (asked.state === 'held' ? intent.hold !== undefined : intent.state === asked.state)
    const [named, paid] = await Promise.all([
      findNamed(text, account === undefined ? accounts : [account]),
      may('transfers:read') ? search.search({ number: text, account, limit: shownMax }) : undefined,
    ])
    const isOfAccount = (intent: Intent) => account === undefined || intent.account === account
    return {
      named: named.filter((one) => isOfAccount(one) && isWanted(one)),
      paid: paid?.transfers.filter(isWanted) ?? [],
      more: paid !== undefined && paid.next !== null,
    }
  }

  return async (context: Context): Promise<Page | Onward> => {
    const text = (context.form.q ?? '').trim().slice(0, textMax)
    if (text === '') return renderPage(context, html`<p class="hint">${words.search.start}</p>`)
    const { named, paid, more } = await lookFor(text, context)
    const [only, ...others] = [...named, ...paid]
    // Only by a name: that somebody has a single transfer is no reason to open it.
    if (only && others.length === 0 && named.length === 1) return { to: pathOfIntent(only.id) }
    return renderPage(
      context,
      html`${!only && html`<p class="empty" role="status">${words.search.nothing(text)}</p>`}
${named.length > 0 && renderList(words.search.results, named)}
${paid.length > 0 && renderList(words.search.byNumber, paid)}
${more && html`<p class="hint">${words.search.more}</p>`}`,
    )
  }

  function renderPage(context: Context, results: SafeHtml): Page {
    const { form: asked, may } = context
    return {
      title: words.search.title,
      current: 'search',
      body: html`${form(
        { action: consolePaths.search, role: 'search', label: words.search.title, className: 'search' },
        html`<label for="q">${words.search.label}</label>
<input id="q" name="q" type="search" required maxlength="${textMax}" value="${asked.q}" autocomplete="off" spellcheck="false" autofocus aria-describedby="q-hint">
<p class="hint" id="q-hint">${words.search.hint}${!may('transfers:read') && ` ${words.search.noNumbers}`}</p>
<p class="row">${choices(
          { id: 'account', name: 'account', label: words.fields.account ?? '', all: words.all },
          accounts.map((value) => ({ value, text: value })),
          asked.account,
        )}
${choices(
  { id: 'state', name: 'state', label: words.fields.state ?? '', all: words.all },
  states.map((value) => ({ value, text: words.states[value] ?? value })),
  asked.state,
)}
${button(words.search.button)}</p>`,
      )}
${results}`,
    }
  }
}

function renderList(heading: string, intents: readonly Intent[]): SafeHtml {
  return section(
    heading,
    table({ caption: heading, columns: transferColumns, rows: intents.map(transferRow), empty: '' }),
  )
}
