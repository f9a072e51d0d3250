import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { remedyOf, saysAbsent } from '../../../src/providers/wechatpay/errors.ts'

const readme = readFileSync(new URL('../../../src/providers/wechatpay/README.md', import.meta.url), 'utf8')
/** Of the table in the README: status, code, remedy. */
const rows = [...readme.matchAll(/^\| (\d{3}) \| `([A-Z0-9_]+)` \| (same|ask|operator|failed) \|/gm)]

describe('wechatpay error codes', () => {
  it('have the remedies that the README says', () => {
    assert.ok(rows.length > 20, String(rows.length))
    for (const [, status, code = '', remedy] of rows)
      assert.equal(remedyOf(Number(status), code), remedy, code)
  })

  it('that are not known are for a person, but for a fault of WeChat Pay’s own', () => {
    assert.equal(remedyOf(400, 'A_NEW_WORD'), 'operator')
    assert.equal(remedyOf(403, 'constructor'), 'operator')
    assert.equal(remedyOf(503, 'A_NEW_WORD'), 'same')
  })

  it('decide nothing beside a fault of WeChat Pay’s own', () =>
    assert.equal(remedyOf(500, 'PARAM_ERROR'), 'same'))

  it('say that there is nothing, with 404 alone', () => {
    assert.ok(saysAbsent(404, 'NOT_FOUND') && saysAbsent(404, 'RESOURCE_NOT_EXISTS'))
    assert.ok(!saysAbsent(400, 'NOT_FOUND') && !saysAbsent(404, 'PARAM_ERROR'))
  })
})
