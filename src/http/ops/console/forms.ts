/** The forms of the console. The token that each has to carry is put in as the page goes out (`form-token.ts`). */
import type { AppError } from '../../../domain/errors.ts'
import { html, type Part, type SafeHtml } from './html.ts'
import { words } from './words.ts'

export interface FormOptions {
  action: string
  /** Of what it is about, for who hears it and does not see it. */
  label?: string
  className?: string
  role?: 'search'
}

export function form({ action, label, className, role }: FormOptions, ...content: Part[]): SafeHtml {
  return html`<form method="post" action="${action}" class="${className}"${role && html` role="${role}"`}${label !== undefined && html` aria-label="${label}"`}>${content}</form>`
}

/** One line that says why; whoever does something has to give one. */
export function reasonField(id: string, value = '', hint?: string): SafeHtml {
  return html`<label for="${id}">${words.reason}</label>
<input id="${id}" name="reason" type="text" required maxlength="500" value="${value}" autocomplete="off"${hint !== undefined && html` aria-describedby="${id}-hint"`}>
${hint !== undefined && html`<p class="hint" id="${id}-hint">${hint}</p>`}`
}

export function button(text: string, kind: 'main' | 'plain' = 'main'): SafeHtml {
  return html`<button type="submit" class="${kind}">${text}</button>`
}

export interface Choice {
  value: string
  text: string
}

export function choices(
  { id, name, label, all }: { id: string; name: string; label: string; all: string },
  options: readonly Choice[],
  chosen: string | undefined,
): SafeHtml {
  return html`<span class="field"><label for="${id}">${label}</label> <select id="${id}" name="${name}"><option value="">${all}</option>${options.map(
    ({ value, text }) =>
      html`<option value="${value}"${value === chosen && html` selected`}>${text}</option>`,
  )}</select></span>`
}

/** Why what was posted could not be done. */
export function renderProblem(problem: AppError | undefined): Part {
  if (!problem) return undefined
  const said = problem.errors.map(
    ({ path, message }) => html`<li>${words.fields[path] ?? path}: ${message}</li>`,
  )
  return html`<div class="alert" role="alert"><p>${words.notDone} ${said.length === 0 && problem.detail}</p>${said.length > 0 && html`<ul>${said}</ul>`}</div>`
}
