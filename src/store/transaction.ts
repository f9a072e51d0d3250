/** Composes what `scripts/commit.lua` does in one step: checks first, and the writes where all of them hold. */

export interface Transaction {
  check(name: 'absent' | 'waiting' | 'unsettled', key: string): Transaction
  check(name: 'same' | 'version' | 'size', key: string, expected: string): Transaction
  check(name: 'field', key: string, field: string, expected: string): Transaction
  /** A command of Redis, with the key before its arguments. */
  do(command: string, key: string, ...args: (string | number)[]): Transaction
  /** An event about the record, into the log of its partition. */
  log(key: string, record: string, text: string): Transaction
  /** Writes the record, once its events are logged. */
  keep(record: string, text: string): Transaction
  park(
    key: string,
    request: { counts: string; account: string; id: string; receipt: string; max: number },
  ): Transaction
  unpark(key: string, request: { counts: string; ready: string; account: string }): Transaction
  tally(key: string, request: TallyRequest): Transaction
  trimCases(index: string, request: { cases: string; max: number; skip: number }): Transaction
  /** Notes in the index `due` under the run when the first of its lines is due. */
  schedule(due: string, request: { lines: string; run: string }): Transaction
  publish(channel: string, message: string): Transaction
  /** How many writes it has so far; the next one's result is found under this index. */
  writes(): number
  toCall(): TransactionCall
  /** One of its keys: they are all in one place. */
  place(): string
  /** As the script takes it: where its keys are, its checks, its writes. */
  describe(placeOf: (key: string) => number): Described
}

type Part = string | number
type Described = [places: number[], checks: Part[], writes: Part[]]

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

/**
 * What one call makes of several, each by itself. They go as one text: to send and to take apart some thousand short
 * arguments cost more than this. `quiet`: nobody asks what the writes return.
 */
export function toCall(transactions: readonly Transaction[], mode: 'quiet' | '' = ''): TransactionCall {
  const places = new Map<string, number>()
  const placeOf = (key: string) => {
    const known = places.get(key)
    if (known !== undefined) return known
    places.set(key, places.size + 1)
    return places.size
  }
  const text = JSON.stringify(transactions.map((transaction) => transaction.describe(placeOf)))
  return { keys: [...places.keys()], args: [text, mode] }
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
  const checks: Part[] = []
  const writes: Part[] = []
  let writeCount = 0

  /** They are few. */
  function indexOf(key: string): number {
    const known = keys.indexOf(key)
    return known < 0 ? keys.push(key) : known + 1
  }

  function write(name: string, index: number, args: readonly Part[]): Transaction {
    writeCount++
    writes.push(name, index, args.length)
    for (const arg of args) writes.push(String(arg))
    return transaction
  }

  const transaction: Transaction = {
    check(name: string, key: string, ...args: string[]) {
      checks.push(name, indexOf(key), args.length, ...args)
      return transaction
    },
    do(command, key, ...args) {
      writeCount++
      writes.push('do', indexOf(key), args.length + 1, command)
      for (const arg of args) writes.push(String(arg))
      return transaction
    },
    log: (key, record, text) => write('log', indexOf(key), [indexOf(record), text]),
    keep: (record, text) => write('keep', indexOf(record), [text]),
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
    schedule: (due, { lines, run }) => write('schedule', indexOf(due), [indexOf(lines), run]),
    publish: (channel, message) => write('publish', 1, [channel, message]),
    writes: () => writeCount,
    toCall: () => toCall([transaction]),
    place: () => keys[0] ?? '',
    describe: (placeOf) => [keys.map(placeOf), checks, writes],
  }
  return transaction
}
