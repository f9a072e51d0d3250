import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { querySchema } from '../../src/config/accounts/generic-query.ts'
import { translateSchema } from '../../src/config/accounts/generic-translate.ts'
import { verifySchemas } from '../../src/config/accounts/generic-verify.ts'
import { fileSchema } from '../../src/config/file-schema.ts'
import { errorCodes } from '../../src/domain/errors.ts'
import { failureCodes } from '../../src/domain/failure.ts'
import { eventTypes } from '../../src/events/catalogue.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>
  dependencies: object
  devDependencies: object
}

describe('documents', () => {
  it('docs/errors.md lists the codes that there are, with their status', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)].map(
      ([, code, status]) => [code, Number(status)],
    )
    assert.deepEqual(
      rows,
      Object.entries(errorCodes).map(([code, { status }]) => [code, status]),
    )
  })

  it('docs/events.md lists the types that there are', () => {
    const rows = [...read('docs/events.md').matchAll(/^\| `(tallyhook\.[a-z.]+\.v\d)` \|/gm)].map(
      ([, type]) => type,
    )
    assert.deepEqual(rows.sort(), Object.values(eventTypes).sort())
  })

  it('docs/events.md lists the failure codes that there are', () => {
    const [, section = ''] = read('docs/events.md').split('## Failure codes')
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)
    assert.deepEqual(rows, [...failureCodes])
  })

  it('docs/configuration.md names every setting of the file', () => {
    const text = read('docs/configuration.md')
    const names = [
      ...Object.keys(fileSchema.shape),
      ...fileSchema.shape.accounts.element.options.flatMap(({ shape }) => Object.keys(shape)),
      ...Object.keys(translateSchema.shape),
      ...Object.keys(querySchema.shape),
      ...verifySchemas.flatMap(({ shape }) => Object.keys(shape)),
      'onWeaker',
      'fsync',
      ...Object.keys(fileSchema.shape.quarantine.unwrap().shape),
      'replicas',
      'indexKey',
      'sha256',
      'scopes',
    ]
    for (const name of names) assert.ok(text.includes(`\`${name}\``), `${name} is not described`)
  })

  it('docs/dependencies.md gives a reason for every dependency', () => {
    const text = read('docs/dependencies.md')
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.ok(text.includes(`\`${name}\``), `${name} has no line`)
    }
  })

  it('no link in a document leads nowhere', () => {
    const pages = [
      'README.md',
      'CHANGELOG.md',
      ...readdirSync(new URL('docs/', root), { recursive: true }).map((name) => `docs/${name}`),
    ]
    for (const page of pages.filter((name) => name.endsWith('.md'))) {
      for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        assert.ok(existsSync(new URL(target, new URL(page, root))), `${page} -> ${target}`)
      }
    }
  })

  it('README.md runs only scripts that there are', () => {
    for (const [, name = ''] of read('README.md').matchAll(
      /npm (?:run )?(start|test|bench|chaos|lint|types|format|build)\b/g,
    )) {
      assert.ok(manifest.scripts[name], name)
    }
  })

  it('the lock file names no download address', () => {
    assert.ok(!/"resolved"/.test(read('package-lock.json')))
  })
})

describe('docker-compose.yml', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true }) as {
    services: Record<
      string,
      {
        command?: string[]
        volumes?: string[]
        healthcheck?: object
        depends_on?: object
        environment?: Record<string, string>
        profiles?: string[]
        ports?: string[]
      }
    >
    volumes: object
  }

  it('runs a Redis that loses nothing, with a volume and a health check', () => {
    const { redis } = compose.services
    const command = redis?.command?.join(' ') ?? ''
    for (const part of [
      '--appendonly yes',
      '--appendfsync always',
      '--no-appendfsync-on-rewrite no',
      '--maxmemory-policy noeviction',
      '--maxmemory ',
    ]) {
      assert.ok(command.includes(part), part)
    }
    assert.ok(redis?.healthcheck)
    assert.ok(redis?.volumes?.some((volume) => volume.endsWith(':/data')))
  })

  it('runs serve and work apart, on that Redis', () => {
    for (const role of ['serve', 'work']) {
      const service = compose.services[role]
      assert.deepEqual(service?.command, [role])
      assert.equal(service?.environment?.REDIS_URL, 'redis://redis:6379')
      assert.ok(service?.depends_on)
    }
  })

  it('runs the make-believe providers in one process with everything else, and only where it is asked to', () => {
    const { sandbox, serve } = compose.services
    assert.deepEqual(sandbox?.command, ['all'])
    assert.deepEqual(sandbox?.profiles, ['sandbox'])
    assert.equal(sandbox?.environment?.TALLYHOOK_CONFIG, '', 'never with real accounts')
    assert.deepEqual(sandbox?.ports, serve?.ports)
  })
})
