/**
 * A ledger that follows the feed and books each settled transfer exactly once, whenever it is stopped, killed or cut off.
 *
 *   node examples/ledger.js [file]        by default ledger.ndjson
 *
 * What is booked is the difference between what a transfer comes to now and what was booked for it before, so a return or a
 * correction books itself. It ends with an error rather than go on past events that are missing.
 */
// @ts-check
import { createTallyhookClient, followEvents } from 'tallyhook/client'
import { openJournal } from './journal.js'
import { baseUrl, readToken, say, untilStopped } from './settings.js'

/** @typedef {import('tallyhook/client').TransferEvent} TransferEvent */
/** @typedef {{ cursor: string, event: string, subject: string, currency: string, change: string, booked: string }} Booking */

const signal = untilStopped()
const client = createTallyhookClient({ baseUrl, token: readToken(), signal })
/** @type {Awaited<ReturnType<typeof openJournal<Booking>>>} */
const journal = await openJournal(process.argv[2] ?? 'ledger.ndjson')

/** Of each transfer what is booked, in minor units. @type {Map<string, bigint>} */
const booked = new Map()
for (const { subject, booked: amount } of journal.entries) booked.set(subject, toMinor(amount))
say({ event: 'ledger.opened', bookings: journal.entries.length })

const events = followEvents(client, {
  types: ['tallyhook.transfer.*'],
  // No `save`: the place is written with the booking. What books nothing may come again after a restart.
  checkpoint: { load: () => journal.entries.at(-1)?.cursor },
  onInterrupted: ({ error, delayMs }) => say({ event: 'feed.interrupted', code: error?.code, delayMs }),
  signal,
})

try {
  for await (const { event, cursor } of events) {
    const { object } = /** @type {TransferEvent} */ (event).data
    const { value, currency } = object.settledAmount ?? object.amount
    const now = object.state === 'succeeded' ? toMinor(value) : 0n
    const change = now - (booked.get(event.subject) ?? 0n)
    if (change === 0n) continue
    if (cursor === undefined) throw new Error('In a stream every event has its place.')
    const decimals = value.split('.')[1]?.length ?? 0
    const booking = {
      cursor,
      event: event.id,
      subject: event.subject,
      currency,
      change: toText(change, decimals),
      booked: toText(now, decimals),
    }
    await journal.append(booking)
    booked.set(event.subject, now)
    say({ ...booking, event: 'transfer.booked', because: event.id, cursor: undefined })
  }
} finally {
  await journal.close()
}

/** Exact: never by a float. @param {string} value */
function toMinor(value) {
  return BigInt(value.replace('.', ''))
}

/** @param {bigint} minor @param {number} decimals */
function toText(minor, decimals) {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0')
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
  return minor < 0n ? `-${text}` : text
}
