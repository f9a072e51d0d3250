import assert from 'node:assert/strict'
import { findDifferences } from '../../../src/http/api/side-differences.ts'
import { rupiah, seenSubmission, seenTransfer, transfer } from '../../support/intents.ts'

describe('what of a receipt is not what we know', () => {
  const ours = transfer({ state: 'submitted', providerReference: 'inquiry-1' })
  const named = (nameDigest: string) => ({ payee: { kind: 'bank', nameDigest } as const })

  it('is said of the answer to an order, whose own steps are no other state', () => {
    assert.deepEqual(findDifferences(ours, seenSubmission(named('john'))), [])
    assert.deepEqual(findDifferences(ours, seenSubmission(named('somebody else'))), ['name'])
    const other = { amount: rupiah(1n), providerReference: 'inquiry-2' }
    assert.deepEqual(findDifferences(ours, seenSubmission(other)), ['amount', 'providerReference'])
  })

  it('is the state where the money is told of', () => {
    assert.deepEqual(findDifferences(ours, seenTransfer()), ['status'])
    assert.deepEqual(findDifferences(transfer({ state: 'succeeded' }), seenTransfer()), [])
  })
})
