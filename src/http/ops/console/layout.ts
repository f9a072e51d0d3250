/** What every page stands in. */
import type { Principal } from '../../principal.ts'
import type { Page } from './context.ts'
import { form } from './forms.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { consolePaths } from './paths.ts'
import { type NavigationKey, type NoticeKey, words } from './words.ts'

const navigation: readonly NavigationKey[] = [
  'overview',
  'search',
  'cases',
  'subscriptions',
  'accounts',
  'quarantine',
  'audit',
  'queues',
  'docs',
]

export interface Shell {
  page: Page
  principal: Principal
  notice?: NoticeKey | undefined
}

export function renderShell({ page, principal, notice }: Shell): string {
  const { title, current, body } = page
  return html`<!doctype html>
<html lang="${words.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · ${words.product}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${consolePaths.styles}">
<script src="${consolePaths.script}" defer></script>
</head>
<body>
<a class="skip" href="#content">${words.skip}</a>
<header>
<p class="product">${words.product}</p>
<nav aria-label="${words.navigationLabel}"><ul>${navigation.map((key) => renderLink(key, current))}</ul></nav>
${renderQuickSearch(current)}
</header>
<main id="content" tabindex="-1">
<h1>${title}</h1>
${notice && html`<p class="notice" role="status">${words.notices[notice]}</p>`}
${body}
</main>
<footer><p>${words.signedInAs} <strong>${principal.id}</strong> · <a href="${consolePaths.signOut}">${words.signOut}</a></p><p>${words.timesAreUtc}</p></footer>
</body>
</html>
`.toString()
}

function renderLink(key: NavigationKey, current: NavigationKey | undefined): SafeHtml {
  const here = key === current && html` aria-current="page"`
  return html`<li><a href="${consolePaths[key]}"${here}>${words.navigation[key]}</a></li>`
}

/** On the search page its own is enough. */
function renderQuickSearch(current: NavigationKey | undefined): Part {
  if (current === 'search') return undefined
  return form(
    { action: consolePaths.search, className: 'quick', role: 'search', label: words.search.title },
    html`<label class="unseen" for="quick">${words.search.label}</label>
<input id="quick" name="q" type="search" placeholder="${words.search.title}" maxlength="200" autocomplete="off" spellcheck="false">`,
  )
}
