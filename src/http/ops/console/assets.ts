/** The console's own files, read once. */
import { readFileSync } from 'node:fs'

const read = (name: string) => readFileSync(new URL(`./assets/${name}`, import.meta.url))

export const styles = read('console.css')
export const script = read('console.js')
