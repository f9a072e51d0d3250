/** Leaves out what a failing history fails without: first halves, then quarters, at last one by one, until nothing more can go. */
export async function shrink<T>(
  whole: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  let kept = [...whole]
  for (let size = Math.ceil(kept.length / 2); size >= 1; ) {
    let isShorter = false
    for (let at = 0; at < kept.length; ) {
      const some = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(some)) {
        kept = some
        isShorter = true
      } else {
        at += size
      }
    }
    if (size === 1 && !isShorter) break
    if (!isShorter || size > 1) size = Math.max(1, Math.floor(size / 2))
  }
  return kept
}
