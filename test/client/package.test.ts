import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const typescript = join(root, 'node_modules/typescript/bin/tsc')

const consumer = `
import express from 'express'
import {
  createMemorySeen,
  createTallyhookClient,
  followEvents,
  isAbout,
  receiveDeliveries,
  type TallyhookEvent,
  verifyDelivery,
} from 'tallyhook/client'

const client = createTallyhookClient({ baseUrl: 'http://127.0.0.1:1', token: 't', retryBudgetMs: 0 })
const money = { value: '25000.00', currency: 'IDR' }
export const register = () =>
  client.transfers.create({
    account: 'a',
    reference: 'r',
    amount: money,
    beneficiary: { bankCode: '014', accountNumber: '1', name: 'N' },
  })

export function settledAmountOf(event: TallyhookEvent): string | undefined {
  if (event.type === 'tallyhook.transfer.succeeded.v1') return event.data.object.amount.value
  if (isAbout(event, 'batch')) return event.data.object.totals.succeeded?.amount.value
  // @ts-expect-error: what it is about is not known here
  return event.data.object.totals
}

export async function follow(): Promise<void> {
  for await (const { event, cursor } of followEvents(client, { account: 'a' })) settledAmountOf(event)
}

const secrets = ['whsec_' + 'A'.repeat(32)]
express().post('/hook', receiveDeliveries({ secrets, handle: (event) => void settledAmountOf(event), seen: createMemorySeen() }))

// @ts-expect-error: an amount is text, never a float
void (() => client.transfers.create({ account: 'a', reference: 'r', amount: { value: 1, currency: 'IDR' } }))

try {
  verifyDelivery(new Headers(), new Uint8Array(), secrets)
} catch (error) {
  console.log((error as Error).name)
}
client.transfers.get('x').catch((error: Error) => console.log(error.name))
`

describe('the packed package, in a project that has nothing else', function () {
  this.timeout(60_000)
  let folder: string
  let installed: string

  before(() => {
    assert.ok(existsSync(join(root, 'dist/client/index.js')), 'dist is not built: run `npm run build`.')
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-consumer-'))
    const packed = execFileSync(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
      {
        cwd: root,
        encoding: 'utf8',
      },
    ).trim()
    installed = join(folder, 'node_modules/tallyhook')
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xzf', join(folder, packed), '-C', installed, '--strip-components=1'])
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module' }))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** Files of ours that are reached from the one given, and what they import that is not ours. */
  function walk(start: string, ending: string) {
    const files = new Set<string>()
    const others = new Set<string>()
    const visit = (file: string): void => {
      if (files.has(file)) return
      files.add(file)
      for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
        /(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g,
      )) {
        if (name.startsWith('.')) visit(resolve(dirname(file), name).replace(/\.ts$/, ending))
        else others.add(name)
      }
    }
    visit(start)
    return { files: [...files].map((file) => relative(installed, file)), others: [...others] }
  }

  it('imports nothing of the server, and nothing but Node.js itself', () => {
    const { files, others } = walk(join(installed, 'dist/client/index.js'), '.js')
    assert.ok(files.length > 10)
    assert.deepEqual(
      files.filter((file) => !file.startsWith('dist/client/')),
      [],
    )
    assert.deepEqual(
      others.filter((name) => !isBuiltin(name)),
      [],
    )
  })

  it('declares its types without the server, its schemas, or any package', () => {
    const { files, others } = walk(join(installed, 'dist/client/index.d.ts'), '.d.ts')
    assert.ok(files.length > 10)
    assert.deepEqual(
      files.filter((file) => !file.startsWith('dist/client/')),
      [],
    )
    assert.deepEqual(others, [])
  })

  it('keeps its command, and shows nothing but the client', () => {
    const { bin, exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      bin: { tallyhook: string }
      exports: Record<string, unknown>
    }
    assert.ok(existsSync(join(installed, bin.tallyhook)))
    assert.deepEqual(Object.keys(exports), ['./client', './package.json'])
  })

  it('runs', () => {
    const lines = ["import * as client from 'tallyhook/client'", 'console.log(typeof client.followEvents)']
    writeFileSync(join(folder, 'run.mjs'), lines.join('\n'))
    assert.equal(
      execFileSync(process.execPath, ['run.mjs'], { cwd: folder, encoding: 'utf8' }).trim(),
      'function',
    )
  })

  function compile(
    options: Record<string, unknown>,
    files = ['consumer.ts'],
  ): { status: number | null; output: string } {
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      exactOptionalPropertyTypes: true,
      outDir: 'out',
      rootDir: '.',
      ...options,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const { status, stdout, stderr } = spawnSync(process.execPath, [typescript, '-p', folder], {
      encoding: 'utf8',
    })
    return { status, output: stdout + stderr }
  }

  it('type-checks beside Express with every check on, and runs as it was compiled', () => {
    for (const name of ['@types', 'express', 'undici-types', 'csstype'])
      if (existsSync(join(root, 'node_modules', name)))
        symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    writeFileSync(join(folder, 'consumer.ts'), consumer)
    const { status, output } = compile({ lib: ['es2023'], types: ['node'], skipLibCheck: false })
    assert.equal(status, 0, output)
    const ran = execFileSync(process.execPath, ['out/consumer.js'], { cwd: folder, encoding: 'utf8' })
    assert.deepEqual(ran.trim().split('\n'), ['DeliveryNotVerified', 'TallyhookError'])
  })

  it('type-checks the examples', () => {
    const names = readdirSync(join(root, 'examples'))
    cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
    const files = names.map((name) => `examples/${name}`)
    const { status, output } = compile({ types: ['node'], checkJs: true, allowJs: true, noEmit: true }, files)
    assert.equal(status, 0, output)
  })

  it('type-checks without the types of Node.js too', () => {
    const without = consumer.replace(/^import express.*$/m, '').replace(/^express\(\).*$/m, '')
    writeFileSync(join(folder, 'consumer.ts'), without)
    const { status, output } = compile({
      lib: ['es2023', 'dom', 'dom.iterable'],
      types: [],
      skipLibCheck: false,
    })
    assert.equal(status, 0, output)
  })
})
