/** How the reference looks, and the little that it does by itself. Both stand in the page, and their digests in its policy. */
export const style = `
:root { --ink: #1c2430; --soft: #566273; --paper: #f5f6f8; --card: #fff; --line: #d6dbe2; --mark: #1f5fbf; --code: #eef1f5; --get: #1b6e4a; --post: #1f5fbf; --patch: #8a5a00; --delete: #a3211c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --soft: #9aa7b8; --paper: #12161c; --card: #1a2029; --line: #333d4a; --mark: #7fb0ff; --code: #242c38; --get: #6fd3a5; --post: #7fb0ff; --patch: #f0bf66; --delete: #ff9a93 }
}
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere }
.skip { position: absolute; left: -100vw }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--card); z-index: 1 }
a { color: var(--mark); text-underline-offset: .15em }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: .2rem }
code, pre { font: .875em/1.5 ui-monospace, 'DejaVu Sans Mono', monospace }
code { padding: .1em .3em; background: var(--code); border-radius: .25rem }
pre { margin: .5rem 0; padding: .9rem 1rem; background: var(--code); border-radius: .4rem; overflow-x: auto; overflow-wrap: normal }
nav { padding: 1.25rem; border-bottom: 1px solid var(--line); background: var(--card); max-height: 45vh; overflow-y: auto }
nav .name { margin: 0; font-size: 1.25rem; font-weight: 700; letter-spacing: -.01em }
nav .name small { font-size: .8rem; font-weight: 400; color: var(--soft) }
nav input { width: 100%; margin: .75rem 0; padding: .5rem .65rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .4rem }
nav summary { padding: .3rem 0; font-size: .8rem; font-weight: 600; color: var(--soft); cursor: pointer }
nav ul { margin: 0 0 .5rem; padding: 0; list-style: none }
nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .3rem .4rem; font-size: .9rem; color: inherit; text-decoration: none; border-radius: .3rem }
nav li a:hover { background: var(--code) }
nav .method { flex: 0 0 3.6em; font-size: .65rem }
main { max-width: 56rem; margin: 0 auto; padding: 1.25rem }
h1 { margin: .5rem 0 .25rem; font-size: 1.9rem; letter-spacing: -.02em }
h2 { margin: 3rem 0 .5rem; font-size: 1.35rem; letter-spacing: -.01em }
h3 { margin: 0; font-size: 1.1rem }
h3 a { color: inherit; text-decoration: none }
h3 a:hover { text-decoration: underline }
h4 { margin: 1.4rem 0 .4rem; font-size: .9rem; color: var(--soft) }
p { margin: .4rem 0; max-width: 44rem }
.item { margin: 1rem 0; padding: 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
.item:target { border-color: var(--mark); box-shadow: 0 0 0 1px var(--mark) }
.call code { background: none; padding: 0; font-size: .95rem }
.method { font: 700 .75rem/1 ui-monospace, 'DejaVu Sans Mono', monospace; color: var(--post) }
.method.get { color: var(--get) } .method.patch { color: var(--patch) } .method.delete { color: var(--delete) }
.fields { margin: .3rem 0; border-top: 1px solid var(--line) }
.fields > div { padding: .45rem 0; border-bottom: 1px solid var(--line) }
.fields .fields { margin-left: .75rem; padding-left: .75rem; border-top: 0; border-left: 2px solid var(--line) }
.fields > div:last-child { border-bottom: 0; padding-bottom: 0 }
.fields dd { margin: 0 }
.fields dd p { margin: .15rem 0 0; font-size: .92rem; color: var(--soft) }
.fields dt > code { background: none; padding: 0; font-weight: 700; color: var(--ink) }
.type, .bounds, .or { font-size: .88rem; color: var(--soft) }
.optional { font-size: .78rem; font-weight: 400; color: var(--soft); border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5em }
.status { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; margin-right: .35rem }
.answer > p + p.type { margin-top: 0 }
.answer + .answer { margin-top: .8rem }
details > summary { cursor: pointer; color: var(--mark); font-size: .92rem; margin-top: .8rem; width: fit-content }
.problems, .types { margin: .5rem 0 0; padding-left: 0; list-style: none; font-size: .92rem }
.problems li { padding: .35rem 0 .35rem 3rem; text-indent: -3rem; border-top: 1px solid var(--line) }
.types { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); gap: .15rem 1rem }
[hidden] { display: none !important }
@media (min-width: 60rem) {
  body { display: grid; grid-template-columns: 19rem minmax(0, 1fr) }
  nav { position: sticky; top: 0; height: 100vh; max-height: none; border: 0; border-right: 1px solid var(--line) }
  main { padding: 2rem 3rem; margin: 0 }
}
`

/** Hides what does not hold the words; without it the page is whole. */
export const script = `
const field = document.getElementById('filter')
field.parentElement.hidden = false
const links = [...document.querySelectorAll('nav li')]
const items = [...document.querySelectorAll('.item')].map((item) => [item, item.textContent.toLowerCase()])
const groups = [...document.querySelectorAll('nav details, main .group')]
const none = document.getElementById('none')
field.addEventListener('input', () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean)
  const found = new Set()
  for (const [item, text] of items) {
    item.hidden = !words.every((word) => text.includes(word))
    if (!item.hidden) found.add('#' + item.id)
  }
  for (const link of links) link.hidden = !found.has(link.firstElementChild.hash)
  for (const group of groups) group.hidden = !group.querySelector('.item:not([hidden]), li:not([hidden]) > a[href^="#"]')
  none.hidden = found.size > 0
})
`
