/**
 * HTML that escapes by construction: what stands in a template is ours, what is put into it is text, and only what came out
 * of such a template is taken as it is. Nothing else can make a `SafeHtml`, so no page can forget to escape.
 *
 * Attributes have to be quoted in the template. An address that a caller or a provider wrote is never put into one: it is
 * shown, and not linked.
 */
class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** The private field makes the type nominal: nothing but a `Markup` is one. */
export type SafeHtml = Markup

/** Of what is missing or false nothing is shown, so that a condition may stand in the template. */
export type Part = SafeHtml | string | number | bigint | false | null | undefined | readonly Part[]

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): SafeHtml {
  return new Markup(strings.reduce((text, string, i) => text + render(parts[i - 1]) + string))
}

function render(part: Part): string {
  if (part === undefined || part === null || part === false) return ''
  if (part instanceof Markup) return part.toString()
  if (Array.isArray(part)) return part.map(render).join('')
  return escapeText(String(part))
}

const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => names[character] ?? '')
}
