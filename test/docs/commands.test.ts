/** What the documents tell people to type exists: commands, what follows them, and their options. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { help, runCommand } from '../../src/cli/run-command.ts'
import { roles } from '../../src/compose.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const pages = [
  'README.md',
  'CHANGELOG.md',
  'deploy/kubernetes/README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** In code alone: a sentence may speak of Tallyhook. Lines that a backslash joins are one. */
function commandsOf(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, ' ')
  const code = [
    ...[...joined.matchAll(/```\w*\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n')),
    ...[...joined.replaceAll(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)].map(([, inline = '']) => inline),
  ]
  return code.flatMap((line) =>
    [...line.matchAll(/(?:^|npx |\$\(|main\.js |; |&& )(tallyhook [a-z-]+[^`;|)#]*)/g)].map(
      ([, found = '']) => found,
    ),
  )
}

const helps = new Map<string, string>()
async function helpOf(command: string): Promise<string> {
  const known = helps.get(command)
  if (known !== undefined) return known
  const write = process.stdout.write
  let text = ''
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk)
    return true
  }
  try {
    assert.equal(await runCommand([command, '--help']), 0)
  } finally {
    process.stdout.write = write
  }
  helps.set(command, text)
  return text
}

describe('the commands in the documents', () => {
  const known = new Set([...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name))
  const mentions = pages.flatMap((page) => commandsOf(read(page)).map((line) => ({ page, line })))

  it('are found', () => {
    assert.ok(mentions.length > 60, `${mentions.length}`)
    for (const role of roles) assert.ok(known.has(role))
  })

  it('exist, with what follows them and their options', async () => {
    for (const { page, line } of mentions) {
      const [, command = '', ...rest] = line.trim().split(/\s+/)
      if (command.startsWith('--')) continue
      assert.ok(known.has(command), `${page}: ${line}`)
      const text = await helpOf(command)
      for (const option of rest.filter((word) => /^--[a-z]/.test(word) && word !== '--help'))
        assert.ok(text.includes(option.replace(/[=.,:].*/, '')), `${page}: ${line}: ${option}`)
      const [second = ''] = rest
      if (/^[a-z]+$/.test(second) && /<command>|\[command\]/.test(text))
        assert.ok(new RegExp(`^  ${second}\\b`, 'm').test(text), `${page}: ${line}`)
    }
  })
})

describe('docs/README.md', () => {
  it('leads to every document, with the front page', () => {
    const index = read('docs/README.md') + read('README.md').replaceAll('](docs/', '](')
    for (const page of pages.filter((name) => name.startsWith('docs/') && name !== 'docs/README.md'))
      assert.ok(index.includes(`](${page.slice('docs/'.length)})`), page)
  })
})
