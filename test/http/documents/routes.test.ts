/** That the calls that there are and those that are documented are the same. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Express, Router } from 'express'
import { createApiApp } from '../../../src/http/api/app.ts'
import type { Operation } from '../../../src/http/api/operation.ts'
import { operations } from '../../../src/http/api/operations.ts'
import { createDocumentRoutes } from '../../../src/http/documents/routes.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { findRequestFault } from '../../support/documented.ts'

const folder = fileURLToPath(new URL('../../../src/http/api', import.meta.url))

/** Whatever the routes are made with: none of it is used before a request comes. */
const anything: object = new Proxy(() => anything, {
  get: (_, name) => (name === Symbol.iterator ? [][Symbol.iterator].bind([]) : anything),
  apply: () => anything,
})

interface Layer {
  route?: { path: string | string[]; methods: Record<string, boolean> }
}

/** `get /v1/transfers/{id}` */
function callsOf(router: Router | Express['router'], base: string): string[] {
  return (router.stack as Layer[]).flatMap(({ route }) => {
    if (!route) return []
    const methods = Object.keys(route.methods).filter((method) => method !== '_all')
    return [route.path].flat().flatMap((path) => {
      const documented = base + path.replace(/:(\w+)/g, '{$1}')
      return methods.map((method) => `${method} ${documented}`)
    })
  })
}

describe('documented calls', () => {
  const made: string[] = []
  const exported: Operation[] = []

  before(async () => {
    for (const file of readdirSync(folder)) {
      const module = (await import(join(folder, file))) as Record<string, unknown>
      for (const [name, value] of Object.entries(module)) {
        if (/^create\w+Routes$/.test(name)) {
          const router = (value as (deps: object) => Router)(anything)
          made.push(...callsOf(router, '/v1'))
        }
        if (/^\w+Operations$/.test(name)) exported.push(...(value as Operation[]))
      }
    }
    const app = createApiApp({
      routes: [],
      ops: Router(),
      metrics: { contentType: 'text/plain', render: async () => '' },
      authenticate: () => null,
      redisState: () => ({ state: 'ok' }),
      clock: Date.now,
      logger: silentLogger,
    })
    made.push(...callsOf(app.router, ''))
    made.push(...callsOf(createDocumentRoutes({ operations: [], version: '0' }), ''))
  })

  it('every route is documented, and what is documented is a route', () => {
    const documented = operations.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(documented.toSorted(), [...new Set(made)].toSorted())
  })

  it('what a file of routes says of them stands in the list', () => {
    const listed = new Set(operations.map(({ id }) => id))
    assert.deepEqual(
      exported.filter(({ id }) => !listed.has(id)).map(({ id }) => id),
      [],
    )
  })

  it('each has a name of its own', () => {
    const names = operations.map(({ id }) => id)
    assert.equal(new Set(names).size, names.length)
  })

  it('an example is what the call takes', () => {
    for (const { id, method, path, example } of operations) {
      if (example !== undefined) assert.equal(findRequestFault(method, path, example), undefined, id)
    }
  })
})
