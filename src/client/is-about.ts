import type { EventsByNoun, Noun, TallyhookEvent } from './types/events.ts'

/** Narrows an event to what it is about, whatever happened to it: `isAbout(event, 'transfer')`. */
export function isAbout<N extends Noun>(event: TallyhookEvent, noun: N): event is EventsByNoun[N] {
  return event.type.startsWith(`tallyhook.${noun}.`)
}
