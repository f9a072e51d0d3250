/** What is kept of somebody else's text: short, and without anything that a terminal or a page could act on. */
const charactersMax = 256
/** The longest characters of UTF-8 take four. */
export const excerptBytesMax = charactersMax * 4

/** Control characters, those that turn the direction of writing, line separators, and what is no character at all. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]+/gu

/** A character that was cut at the end is left out. Undefined where nothing readable is left. */
export function toExcerpt(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes, { stream: true }).replace(unsafe, ' ').trim()
  return [...text].slice(0, charactersMax).join('') || undefined
}
