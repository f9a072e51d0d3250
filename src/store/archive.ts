/** What this folder needs of the archive: lines that are durable once they have a place, and are found by it. */
export interface KeptLine {
  kind: string
  id: string
  account: string
  reference?: string
  at: number
  data: unknown
}

/** Throws an AppError where it cannot be written or read: one that may pass, unless what is there is damaged. */
export interface Archive {
  /** The places in the order of the lines. */
  append(lines: readonly KeptLine[]): Promise<string[]>
  read(place: string): Promise<KeptLine>
  /** The last that was written of it. */
  find(query: { id: string; kind: string }): Promise<KeptLine | undefined>
}
