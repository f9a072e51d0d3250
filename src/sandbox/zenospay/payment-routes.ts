/** How a pay-in is made to happen, and how it is asked about. */
import type { RequestHandler, Router } from 'express'
import type { Fates } from '../fates.ts'
import { read, refuse } from './answers.ts'
import type { Callbacks } from './callbacks.ts'
import { createPayment, describePaymentStatus, type Payment } from './payments.ts'
import { checkPaymentSchema, paymentSchema } from './requests.ts'

export interface PaymentRoutesDeps {
  router: Router
  authorise: RequestHandler
  fates: Fates
  callbacks: Callbacks
  clock: () => number
}

export function createPaymentRoutes({ router, authorise, fates, callbacks, clock }: PaymentRoutesDeps): {
  state(): unknown
} {
  const byReference = new Map<string, Payment>()
  const byRrn = new Map<string, Payment>()

  router.post('/sandbox/payments', (req, res) => {
    const asked = read(paymentSchema, req, res)
    if (!asked) return
    const { reference } = asked
    if (byReference.has(reference)) return refuse(res, 'The reference has already been taken.', 409)
    const amount = BigInt(asked.amount.replace('.00', ''))
    const fate = fates.fateOf('zenospay', reference, amount * 100n)
    const payment = createPayment(reference, amount, fate, clock())
    byReference.set(reference, payment)
    byRrn.set(payment.rrn, payment)
    void callbacks.tellOfPayment(payment)
    res.status(201).json({ status: true, data: describePaymentStatus(payment) })
  })

  router.post('/api/check/transaction', authorise, (req, res) => {
    const asked = read(checkPaymentSchema, req, res)
    if (!asked) return
    const { rrn, merchant_transaction_id: reference = '' } = asked
    // Where both are given, the rrn counts.
    const payment = rrn === undefined ? byReference.get(reference) : byRrn.get(rrn)
    if (!payment) return refuse(res, 'The transaction is not found.', 404)
    res.json({ status: true, data: describePaymentStatus(payment) })
  })

  return {
    state: () =>
      [...byReference.values()].map(({ reference, transactionId, rrn, amount, callbacks: count }) => ({
        reference,
        transactionId,
        rrn,
        amount: `${amount}.00`,
        callbacks: count,
      })),
  }
}
