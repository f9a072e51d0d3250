import assert from 'node:assert/strict'
import { type ConsoleWorld, hostile, startConsoleWorld } from '../../../support/console.ts'

describe('console: cases', function () {
  this.timeout(60_000)
  let world: ConsoleWorld
  before(async () => {
    world = await startConsoleWorld()
  })
  after(() => world?.stop())

  it('are listed with their kind, account and how much money is at risk', async () => {
    const { case: caseId } = await world.hold({ amount: { value: '1234567.00', currency: 'IDR' } })
    const { status, text } = await world.page('/cases', 'viewer-token')
    assert.equal(status, 200)
    const row = text.split('<tr>').find((one) => one.includes(caseId)) ?? ''
    assert.ok(row.includes('zeno-test') && row.includes('held') && row.includes('1\u202f234\u202f567.00 IDR'))
    assert.ok(!(await world.page('/cases?state=resolved')).text.includes(caseId))
  })

  it('show both sides, where they differ, and what each answer will do', async () => {
    const { case: caseId } = await world.hold()
    const { text } = await world.page(`/cases/${caseId}`)
    assert.match(text, /class="differs">.*failed.*differs/)
    assert.ok(text.includes('It goes from succeeded to failed. Events go out: released, corrected.'))
    assert.ok(text.includes('It stays succeeded. Events go out: released.'))
  })

  it('are resolved as was said before, once, with the reason kept', async () => {
    const { id, case: caseId } = await world.hold()
    const { text } = await world.page(`/cases/${caseId}`)
    const [, action = ''] = /value="(take-theirs rc-\w+)"/.exec(text) ?? []
    const reason = `The bank said ${hostile}`
    const done = await world.post(`/cases/${caseId}/resolve`, { action, reason })
    assert.deepEqual([done.status, done.location], [303, `/ops/cases/${caseId}?notice=resolved`])
    await world.reaches(id, { state: 'failed', held: false })
    const after = await world.page(`/cases/${caseId}?notice=resolved`)
    assert.ok(after.text.includes('The case is resolved.') && after.text.includes('The bank said &lt;img'))
    assert.ok(!after.text.includes('<img') && !after.text.includes('Resolve the case'))
    const timeline = await world.page(`/transfers/${id}`)
    assert.ok(timeline.text.includes('by test') && !timeline.text.includes('<img'))
    const again = await world.post(`/cases/${caseId}/resolve`, { action: 'keep-ours', reason: 'No.' })
    assert.equal(again.status, 409)
  })

  it('stay open without a reason, and the page says so and keeps what was written', async () => {
    const { case: caseId } = await world.hold()
    const refused = await world.post(`/cases/${caseId}/resolve`, { action: 'keep-ours', reason: ' ' })
    assert.equal(refused.status, 422)
    assert.match(refused.text, /role="alert".*Nothing was done.*Reason: It is required/s)
    assert.match(refused.text, /value="keep-ours"[^>]* checked/)
    assert.ok((await world.page('/cases')).text.includes(caseId))
  })

  it('are not resolved by who may only look, nor from another site', async () => {
    const { case: caseId } = await world.hold()
    const form = { action: 'keep-ours', reason: 'Yes.' }
    const viewer = await world.post(`/cases/${caseId}/resolve`, form, 'viewer-token')
    assert.equal(viewer.status, 403)
    const page = await world.page(`/cases/${caseId}`, 'viewer-token')
    assert.ok(
      page.text.includes('needs the right to act') &&
        !page.text.includes('<button type="submit" class="main"'),
    )
    assert.ok((await world.page('/cases')).text.includes(caseId))
  })
})
