/**
 * Why money did not arrive, in a small set of our own words, so that a program can act on it. What the provider said is
 * kept beside it as `reason`, word for word. docs/events.md lists the same codes; a test keeps the two equal.
 */
export const failureCodes = [
  /** The provider says no, and not why. */
  'declined-by-provider',
  /** There is no such account or user, or its number is wrong. */
  'beneficiary-not-found',
  /** It is there and takes no money: frozen, closed, abnormal. */
  'beneficiary-blocked',
  /** The name or identity document does not belong to it. */
  'beneficiary-mismatch',
  /** It has not done what it takes to be paid: verified its name, agreed, registered. */
  'beneficiary-not-eligible',
  /** A limit of the beneficiary, of the payer or of the product. */
  'limit-exceeded',
  'insufficient-funds',
  /** The payer may not do this, or its account is in trouble. */
  'payer-not-allowed',
  'risk-refused',
  /** Nobody confirmed or funded it in time. */
  'expired',
  'cancelled',
  /** A source that gives no code, or one that we do not know. */
  'unknown',
] as const
export type FailureCode = (typeof failureCodes)[number]

export interface Failure {
  code: FailureCode
  /** The provider's own word. Text that may speak of a person stays in the sealed receipt. */
  reason?: string
}
