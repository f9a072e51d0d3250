/** What the make-believe providers can do to a payout, and how it is asked for by a reference or by an amount. */
/** By its name: the exact amount that asks for it, in rupiah at Zenospay and in fen at WeChat Pay. */
export const behaviours = {
  success: 90_023,
  fail: 90_001,
  slow: 90_002,
  'lost-callback': 90_003,
  repeated: 90_004,
  'concurrent-repeats': 90_005,
  reordered: 90_006,
  contradicting: 90_007,
  'mutated-amount': 90_008,
  early: 90_009,
  'wrong-signature': 90_010,
  signtest: 90_011,
  'timeout-after-accepting': 90_012,
  'too-many-requests': 90_013,
  'server-error': 90_014,
  'unsigned-response': 90_015,
  'refund-after-success': 90_016,
  'batch-closed': 90_017,
  'name-differs': 90_018,
  'name-missing': 90_019,
  refused: 90_020,
  'key-rotation': 90_021,
  stale: 90_022,
} as const

export type Behaviour = keyof typeof behaviours
export const behaviourNames = Object.keys(behaviours) as Behaviour[]

export type SandboxProvider = 'zenospay' | 'wechatpay'
/** `lost-callback` as it stands in a reference: `LostCallback`. */
export function camelCase(name: Behaviour): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

const namesByWord = new Map(behaviourNames.map((name) => [camelCase(name), name]))
/** The longest first: `RefundAfterSuccess` is no `Success`. A small letter behind makes it another word, as `Slowly`. */
const words = [...namesByWord.keys()].sort((a, b) => b.length - a.length)
const pattern = new RegExp(`(?:${words.join('|')})(?![a-z])`, 'g')

export function readReference(reference: string): { names: Behaviour[]; reason?: string | undefined } {
  // At the very start it may begin with a small letter: `lostCallback17`.
  const text = reference.charAt(0).toUpperCase() + reference.slice(1)
  const found = [...text.matchAll(pattern)]
  const names = found.flatMap(([word]) => namesByWord.get(word) ?? [])
  const at = found.findIndex(([word]) => word === 'Fail')
  const fail = found[at]
  if (!fail) return { names }
  const rest = text.slice(fail.index + fail[0].length, found[at + 1]?.index)
  return { names, reason: snakeCase(/^[A-Za-z]*/.exec(rest)?.[0] ?? '') }
}

/** `AccountFrozen` as providers write their reasons: `ACCOUNT_FROZEN`. */
function snakeCase(words: string): string | undefined {
  return words === '' ? undefined : words.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
}

export function findByAmount(provider: SandboxProvider, amountMinor: bigint): Behaviour[] {
  const minorPerUnit = provider === 'zenospay' ? 100n : 1n
  return behaviourNames.filter((name) => BigInt(behaviours[name]) * minorPerUnit === amountMinor)
}
