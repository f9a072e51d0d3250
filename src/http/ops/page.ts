/** The pages around a session: no script, in light and dark. */
export interface SignInPage {
  next: string
  message?: string | undefined
  withOperators?: boolean
  withOidc?: boolean
}

export function renderSignIn({ next, message, withOperators = false, withOidc = false }: SignInPage): string {
  const alert = message ? `<p class="error" role="alert" id="error">${escapeHtml(message)}</p>` : ''
  const described = message ? ' aria-invalid="true" aria-describedby="error"' : ''
  const hidden = `<input type="hidden" name="next" value="${escapeHtml(next)}">`
  const provider = `<a class="button" href="/ops/sign-in/oidc?next=${encodeURIComponent(next)}">Sign in with your organisation</a>`
  const operator = `<form method="post" action="/ops/sign-in">
<label for="name">Name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" required${withOidc ? '' : ' autofocus'} spellcheck="false"${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${described}>
${hidden}
<button type="submit">Sign in</button>
</form>`
  const isAlone = !withOperators && !withOidc
  const token = `<form method="post" action="/ops/sign-in">
<label for="token">API token</label>
<input id="token" name="token" type="password" autocomplete="${isAlone ? 'current-password' : 'off'}" required${isAlone ? ' autofocus' : ''} spellcheck="false"${isAlone ? described : ''}>
${hidden}
<button type="submit"${isAlone ? '' : ' class="plain"'}>Sign in${isAlone ? '' : ' with a token'}</button>
</form>`
  const hint = '<p>Sign in with an API token that has the scope <code>ops:read</code>.</p>'
  const ways = [
    ...(withOidc ? [provider] : []),
    ...(withOperators ? [operator] : []),
    isAlone ? token : `<hr>\n${token}`,
  ]
  return renderPage('Sign in', `${isAlone ? hint : '<p>Who are you?</p>'}\n${alert}\n${ways.join('\n')}`)
}

export function renderSignedOut(elsewhere: string): string {
  return renderPage(
    'Signed out',
    `<p>Your session here has ended. At your organisation you may still be signed in.</p>
<a class="button" href="${escapeHtml(elsewhere)}" rel="noreferrer">Sign out there as well</a>
<p class="after"><a href="/ops/sign-in">Sign in again</a></p>`,
  )
}

export function renderRefused(message: string): string {
  return renderPage(
    'Not signed in',
    `<p class="error" role="alert">${escapeHtml(message)}</p>
<a class="button" href="/ops/sign-in">Back to the sign-in</a>`,
  )
}

export function renderOnward(next: string): string {
  const to = escapeHtml(next)
  return renderPage(
    'Signed in',
    `<p>You are signed in. <a href="${to}">Go on</a></p>`,
    `<meta http-equiv="refresh" content="0;url=${to}">`,
  )
}

/** A page of its own, because a link must not end a session: another page could hold it as an image. */
export function renderSignOut(): string {
  return renderPage(
    'Sign out',
    `<p>This ends your session on this browser.</p>
<form method="post" action="/ops/sign-out"><button type="submit" autofocus>Sign out</button></form>`,
  )
}

function renderPage(title: string, content: string, head = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · Tallyhook</title>${head}
<style>${style}</style>
</head>
<body>
<main>
<h1>Tallyhook</h1>
${content}
</main>
</body>
</html>
`
}

const style = `
:root { --ink: #1c2430; --soft: #566273; --paper: #f5f6f8; --card: #fff; --line: #c9d0d9; --mark: #1f5fbf; --on-mark: #fff; --bad: #a3211c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #9aa7b8; --paper: #12161c; --card: #1a2029; --line: #3a4452; --mark: #7fb0ff; --on-mark: #0c1420; --bad: #ff9a93 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em }
p { margin: .25rem 0 1.25rem; color: var(--soft) }
code { font-size: .9em }
label { display: block; font-weight: 600 }
input[type=password], input[type=text] { width: 100%; margin: .25rem 0 1rem; padding: .6rem .7rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem }
button, .button { display: block; width: 100%; text-align: center; text-decoration: none; padding: .65rem; font: inherit; font-weight: 600; color: var(--on-mark); background: var(--mark); border: 0; border-radius: .4rem; cursor: pointer }
button.plain { color: var(--ink); background: transparent; border: 1px solid var(--line) }
hr { margin: 1.5rem 0; border: 0; border-top: 1px solid var(--line) }
.after { margin: 1rem 0 0 }
a { color: var(--mark) }
.button { color: var(--on-mark) }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
.error { margin: 0 0 1rem; color: var(--bad); font-weight: 600 }
`

export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => names[character] ?? character)
}
