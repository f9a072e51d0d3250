/** Composes what `scripts/commit.lua` does in one step: checks first, and the writes where all of them hold. */

export interface Transaction {
  check(name: 'absent' | 'waiting' | 'unsettled', key: string): Transaction
  check(name: 'same' | 'version' | 'size', key: string, expected: string): Transaction
  check(name: 'field', key: string, field: string, expected: string): Transaction
  /** A command of Redis, with the key before its arguments. */
  do(command: string, key: string, ...args: (string | number)[]): Transaction
  park(
    key: string,
    request: { counts: string; account: string; id: string; receipt: string; max: number },
  ): Transaction
  unpark(key: string, request: { counts: string; ready: string; account: string }): Transaction
  tally(key: string, request: TallyRequest): Transaction
  trimCases(index: string, request: { cases: string; max: number; skip: number }): Transaction
  publish(channel: string, message: string): Transaction
  /** How many writes it has so far; the next one's result is found under this index. */
  writes(): number
  toCall(): TransactionCall
  /** One of its keys: they are all in one place. */
  place(): string
  /** Behind those that are there already. */
  addTo(keys: string[], args: string[]): void
}

export interface TransactionCall {
  keys: string[]
  args: string[]
}

export interface TallyRequest {
  due: string
  batch: string
  /** Missing for one that is new. */
  from?: { state: string; minor: bigint } | undefined
  to: { state: string; minor: bigint }
  /** One more that is final, one less, or neither. */
  final: 1 | 0 | -1
}

/** `failed`: the number of the check that failed, from 1, and what it found. */
export type TransactionOutcome =
  | { outcome: 'written'; results: unknown[] }
  | { outcome: 'failed'; check: number; found: string | null }

/** What one call makes of several, each by itself. */
export function toCall(transactions: readonly Transaction[]): TransactionCall {
  const keys: string[] = []
  const args: string[] = []
  for (const transaction of transactions) transaction.addTo(keys, args)
  return { keys, args }
}

export function readTransactions(answer: unknown): TransactionOutcome[] {
  return (answer as unknown[]).map(readOne)
}

/** Of a call that was about one. */
export function readTransaction(answer: unknown): TransactionOutcome {
  return readOne((answer as unknown[])[0])
}

function readOne(answer: unknown): TransactionOutcome {
  const [number, ...rest] = answer as [number, ...unknown[]]
  if (number === 0) return { outcome: 'written', results: rest }
  return { outcome: 'failed', check: number, found: (rest[0] as string | null | undefined) ?? null }
}

export function createTransaction(): Transaction {
  const keys: string[] = []
  const indexes = new Map<string, string>()
  const checks: string[] = []
  const writes: string[] = []
  let checkCount = 0
  let writeCount = 0

  function indexOf(key: string): string {
    const known = indexes.get(key)
    if (known !== undefined) return known
    keys.push(key)
    const index = String(keys.length)
    indexes.set(key, index)
    return index
  }

  function write(name: string, index: string, args: readonly (string | number)[]): Transaction {
    writeCount++
    writes.push(name, index, String(args.length), ...args.map(String))
    return transaction
  }

  const transaction: Transaction = {
    check(name: string, key: string, ...args: string[]) {
      checkCount++
      checks.push(name, indexOf(key), String(args.length), ...args)
      return transaction
    },
    do: (command, key, ...args) => write('do', indexOf(key), [command, ...args]),
    park: (key, { counts, account, id, receipt, max }) =>
      write('park', indexOf(key), [indexOf(counts), account, id, receipt, max]),
    unpark: (key, { counts, ready, account }) =>
      write('unpark', indexOf(key), [indexOf(counts), indexOf(ready), account]),
    tally: (key, { due, batch, from, to, final }) =>
      write('tally', indexOf(key), [
        indexOf(due),
        batch,
        from?.state ?? '',
        from?.minor.toString() ?? '',
        to.state,
        to.minor.toString(),
        final,
      ]),
    trimCases: (index, { cases, max, skip }) =>
      write('trim-cases', indexOf(index), [indexOf(cases), max, skip]),
    publish: (channel, message) => write('publish', '1', [channel, message]),
    writes: () => writeCount,
    toCall: () => toCall([transaction]),
    place: () => keys[0] ?? '',
    addTo(allKeys, allArgs) {
      allKeys.push(...keys)
      const count = 1 + checks.length + writes.length
      allArgs.push(String(keys.length), String(count), String(checkCount), ...checks, ...writes)
    },
  }
  return transaction
}
