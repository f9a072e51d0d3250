/** Waits for a condition and never for a time: it looks every few milliseconds and gives up with what it waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  limitMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`Waited ${limitMs} ms for ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
