import assert from 'node:assert/strict'
import { html, type Part } from '../../../../src/http/ops/console/html.ts'
import { hostile } from '../../../support/console.ts'

describe('templates of the console', () => {
  it('take what is put in for text, in elements and in attributes', () => {
    const shown = html`<p title="${hostile}">${hostile}</p>`.toString()
    assert.ok(!shown.includes('<img') && !shown.includes(`"'`))
    assert.equal(html`${`<b>&"'`}`.toString(), '&lt;b&gt;&amp;&quot;&#39;')
  })

  it('let nothing through that only looks like their own work', () => {
    const forged = { toString: () => '<script>', '#text': '<script>' } as unknown as Part
    assert.equal(html`${forged}`.toString(), '&lt;script&gt;')
    assert.equal(html`${[html`<b>${'<'}</b>`, '<']}`.toString(), '<b>&lt;</b>&lt;')
  })

  it('show nothing of what is missing, and a zero', () => {
    assert.equal(html`[${undefined}${null}${false}${''}${0}${0n}]`.toString(), '[00]')
  })
})
