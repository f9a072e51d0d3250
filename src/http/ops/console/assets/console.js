// Everything works without this. It keeps what is marked `data-live` fresh: it asks for the same piece of page again every
// few seconds. That is simpler than a stream of events: no connection is held, nothing has to be resumed after a restart
// or by a proxy, and one and the same function draws it at first and later.
const everyMs = 5000

for (const place of document.querySelectorAll('[data-live]')) {
  let last = ''
  const refresh = async () => {
    if (document.hidden || place.contains(document.activeElement)) return
    try {
      const answer = await fetch(place.dataset.live, { headers: { accept: 'text/html' }, redirect: 'error' })
      if (!answer.ok) throw new Error(String(answer.status))
      const text = await answer.text()
      // Made by the same templates as the page itself, from the same host.
      if (text !== last) place.innerHTML = text
      last = text
      place.removeAttribute('data-stale')
    } catch {
      place.setAttribute('data-stale', '')
    }
  }
  setInterval(refresh, everyMs)
}
