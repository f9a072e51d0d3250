/** A password, from wherever it is not seen: a file, standard input, or a terminal that shows nothing of it. */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { usage } from './arguments.ts'

export interface PasswordSource {
  file?: string | undefined
  input?: NodeJS.ReadStream
  /** Where one is asked for it. */
  prompt?: NodeJS.WriteStream
}

export async function readPassword(source: PasswordSource): Promise<string> {
  const { file, input = process.stdin, prompt = process.stderr } = source
  if (file !== undefined) return firstLine(readFile(file))
  if (!input.isTTY) return firstLine(await readAll(input))
  const password = await ask(input, prompt, 'Password: ')
  if ((await ask(input, prompt, 'Once more: ')) !== password) throw usage('They are not the same.')
  return password
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usage(`--password-file: it cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of input) parts.push(Buffer.from(part as Uint8Array))
  return Buffer.concat(parts).toString('utf8')
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? ''
}

/** What is typed is echoed by readline alone, and that writes to nowhere. */
async function ask(input: NodeJS.ReadStream, prompt: NodeJS.WriteStream, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: nowhere, terminal: true })
  prompt.write(question)
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.question('', resolve)
      lines.once('SIGINT', () => reject(usage('Stopped.')))
      lines.once('close', () => reject(usage('No password was given.')))
    })
  } finally {
    lines.close()
    prompt.write('\n')
  }
}
