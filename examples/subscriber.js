/**
 * An Express server that takes deliveries: it verifies them, handles each once, and watches the order.
 *
 *   node examples/subscriber.js           subscribes itself, and takes the subscription back when it stops
 *   TALLYHOOK_SECRETS=whsec_… PORT=9000 node examples/subscriber.js
 *                                         takes what somebody else subscribed to it; several secrets with commas
 */
// @ts-check
import { once } from 'node:events'
import express from 'express'
import {
  createMemorySeen,
  createSequenceGuard,
  createTallyhookClient,
  receiveDeliveries,
} from 'tallyhook/client'
import { baseUrl, readToken, say, untilStopped } from './settings.js'

/** @type {string[]} */
let secrets = (process.env.TALLYHOOK_SECRETS ?? '').split(',').filter(Boolean)
const isSubscribedElsewhere = secrets.length > 0
const guard = createSequenceGuard()

const app = express()
// Before express.json(): what is signed are the bytes.
app.post(
  '/hooks/tallyhook',
  receiveDeliveries({
    secrets: () => secrets,
    // In memory, for development. A real one is kept where the effects are, best in the same transaction.
    seen: createMemorySeen(),
    async handle(event) {
      const { outcome } = await guard.check(event)
      if (outcome === 'gap') say({ event: 'order.gap', subject: event.subject, sequence: event.sequence })
      // Here you would do your work. Throw, and the event comes again.
      say({ event: 'delivery.handled', id: event.id, type: event.type, subject: event.subject, outcome })
      await guard.accept(event)
    },
    onTest: ({ id }) => say({ event: 'delivery.tested', id }),
    onRefused: (reason) => say({ event: 'delivery.refused', reason }),
    onFailed: (error) => say({ event: 'delivery.failed', error: String(error) }),
  }),
)

const server = app.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
const url = `http://127.0.0.1:${port}/hooks/tallyhook`

const stopped = untilStopped()
const client = isSubscribedElsewhere ? undefined : createTallyhookClient({ baseUrl, token: readToken() })
const subscription = await client?.subscriptions.create({ url, description: 'examples/subscriber.js' })
if (subscription) secrets = [subscription.secret]
say({ event: 'ready', url, subscription: subscription?.id })

if (!stopped.aborted) await once(stopped, 'abort')
if (subscription) await client?.subscriptions.delete(subscription.id)
server.close()
server.closeAllConnections()
