/**
 * Registers a batch, has it sent, and waits until the last of its transfers is final.
 *
 *   node examples/pay-batch.js [reference]
 *
 * Run again with the same reference it pays nothing again: it goes on waiting, or says what became of it.
 */
// @ts-check
import { createTallyhookClient, followEvents, isAbout, TallyhookError } from 'tallyhook/client'
import { baseUrl, readToken, say, untilStopped } from './settings.js'

const account = process.env.TALLYHOOK_ACCOUNT ?? 'zeno-sandbox'
const reference = process.argv[2] ?? `batch-${Date.now()}`
const signal = untilStopped()
const client = createTallyhookClient({ baseUrl, token: readToken(), signal })

try {
  // Taken before the batch is there, so that nothing about it can come before it.
  const { cursor: after } = await client.events.head()
  const batch = await client.batches.create({
    account,
    reference,
    name: 'Salaries',
    remark: 'An example',
    submit: true,
    transfers: ['12000.00', '25000.00', '37500.00'].map((value, i) => ({
      reference: `${reference}-${i + 1}`,
      amount: { value, currency: 'IDR' },
      beneficiary: { bankCode: '014', accountNumber: `12345678${90 + i}`, name: 'Budi Santoso' },
    })),
  })
  say({ event: 'batch.registered', id: batch.id, state: batch.state, amount: batch.amount })
  const finished = batch.state === 'finished' ? batch : await waitFor(batch.id, after)
  for (const [state, total] of Object.entries(finished?.totals ?? {}))
    say({ event: 'batch.total', state, ...total })
  say({ event: 'batch.finished', id: batch.id })
} catch (error) {
  if (!(error instanceof TallyhookError)) throw error
  say({ event: 'batch.refused', code: error.code, detail: error.detail, errors: error.errors })
  process.exitCode = 1
}

/** @param {string} id @param {string} after */
async function waitFor(id, after) {
  for await (const { event } of followEvents(client, { after, subject: id, signal })) {
    if (!isAbout(event, 'batch')) continue
    say({ event: event.type, state: event.data.object.state })
    if (event.type === 'tallyhook.batch.finished.v1') return event.data.object
    if (event.data.object.state === 'finished') return event.data.object
  }
  return undefined
}
