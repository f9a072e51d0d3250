/**
 * Where Tallyhook is, and with which token: TALLYHOOK_URL and TALLYHOOK_TOKEN, or what `npm start` left in this folder.
 */
import { readFileSync } from 'node:fs'

export const baseUrl = process.env.TALLYHOOK_URL ?? 'http://127.0.0.1:8081'

/** @returns {string} */
export function readToken() {
  const { TALLYHOOK_TOKEN } = process.env
  if (TALLYHOOK_TOKEN) return TALLYHOOK_TOKEN
  try {
    return JSON.parse(readFileSync('.tallyhook/sandbox.json', 'utf8')).apiToken
  } catch {
    throw new Error('Set TALLYHOOK_TOKEN, or run this where `npm start` keeps its .tallyhook.')
  }
}

/** One line of JSON for whoever watches. @param {object} line */
export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Aborted by Ctrl-C and by SIGTERM. */
export function untilStopped() {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => controller.abort())
  return controller.signal
}
