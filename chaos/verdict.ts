/** What was acknowledged beside what is in the queue. */
export interface Moment {
  /** Since the round's load began. */
  ms: number
  /** How many strikes there had been. */
  strikes: number
}

export interface Evidence {
  acknowledged: ReadonlyMap<string, Moment>
  genuine: ReadonlySet<string>
  forged: ReadonlySet<string>
  /** Of every receipt in the queue, the digest of its opened body. */
  queued: readonly string[]
}

export interface Verdict {
  lost: ({ digest: string } & Moment)[]
  /** Receipts beyond the first of the same callback: writes whose answer was lost, repeated by the provider. Harmless. */
  repeats: number
  faults: string[]
}

export function judge({ acknowledged, genuine, forged, queued }: Evidence): Verdict {
  const inQueue = new Set(queued)
  const lost = [...acknowledged].filter(([digest]) => !inQueue.has(digest))
  const foreign = [...inQueue].filter((digest) => !genuine.has(digest))
  return {
    lost: lost.map(([digest, moment]) => ({ digest, ...moment })),
    repeats: queued.length - inQueue.size,
    faults: foreign.map((digest) =>
      forged.has(digest)
        ? `the forged callback ${digest} is in the queue`
        : `${digest} is in the queue, and nobody sent it`,
    ),
  }
}
