/**
 * The memory that bodies may take while they are read and written. Each is bounded by itself, but before anything is
 * verified anyone can begin thousands of them, and hold each one open for seconds.
 */
export interface Room {
  /** False where there is no room for this many bytes more; then nothing was taken. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export function createRoom(bytesMax: number): Room {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > bytesMax) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
  }
}
