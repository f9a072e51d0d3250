/** A decision in a cell. */
import { code } from './markdown.ts'

export interface Decided {
  verdict: string
  ask?: boolean
  reason?: string
  steps?: readonly { fact: { name: string }; intent: { state: string } }[]
}

export function describe({ verdict, ask, reason, steps = [] }: Decided): string {
  const asks = ask ? ', and asks' : ''
  if (verdict === 'held')
    return reason === 'final-state-contradicted' ? '**held**' : `**held** (${code(reason ?? '')})`
  return verdict === 'applied' ? `${describeSteps(steps)}${asks}` : `${verdict}${asks}`
}

/** The facts in order; the state where the last one's name does not say it. */
export function describeSteps(steps: NonNullable<Decided['steps']>): string {
  const names = steps.map(({ fact }) => fact.name)
  const last = steps.at(-1)
  if (!last) return ''
  if (names.length === 1 && names[0] === last.intent.state) return `**→ ${last.intent.state}**`
  const facts = names.map(code).join(', ')
  return names.at(-1) === last.intent.state ? `${facts} **→**` : `${facts}, is ${code(last.intent.state)}`
}
