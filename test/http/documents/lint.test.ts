/** The documents as their usual tools see them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { eventTypes } from '../../../src/events/catalogue.ts'
import { testEventType } from '../../../src/events/test-event.ts'
import { operations } from '../../../src/http/api/operations.ts'
import { createAsyncApi } from '../../../src/http/documents/asyncapi.ts'
import type { Json } from '../../../src/http/documents/json-schema.ts'
import { createOpenApi } from '../../../src/http/documents/openapi.ts'

const { resolve } = createRequire(import.meta.url)
const redocly = join(dirname(resolve('@redocly/cli/package.json')), 'bin/cli.js')
const config = fileURLToPath(new URL('redocly.yaml', import.meta.url))
const asyncApiSchema = join(
  dirname(resolve('@asyncapi/specs/package.json')),
  'schemas/3.0.0-without-$id.json',
)

describe('documents', function () {
  this.timeout(60_000)
  const openApi = createOpenApi({ operations, version: '0.0.0' })
  const asyncApi = createAsyncApi({ version: '0.0.0' })
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyhook-documents-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  function lint(name: string, document: Json) {
    const file = join(folder, name)
    writeFileSync(file, JSON.stringify(document, null, 1))
    // It reports on its use, and asks for news of itself, unless it is told not to.
    const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const args = [redocly, 'lint', '--config', config, '--format', 'stylish', file]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    return { status, said: `${stdout}${stderr}` }
  }

  it('the OpenAPI document passes Redocly’s linter without a warning', () => {
    const { status, said } = lint('openapi.json', openApi)
    assert.equal(status, 0, said)
  })

  it('the AsyncAPI document passes Redocly’s linter without a warning', () => {
    const { status, said } = lint('asyncapi.json', asyncApi)
    assert.equal(status, 0, said)
  })

  it('a document that is wrong does not pass', () => {
    const { openapi: _, ...rest } = openApi
    assert.equal(lint('wrong.json', { ...rest, openapi: '3.1.1', paths: { '/x': { get: {} } } }).status, 1)
  })

  it('the AsyncAPI document is valid by the official schema', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateFormats: false })
    const validate = ajv.compile(JSON.parse(readFileSync(asyncApiSchema, 'utf8')) as object)
    assert.equal(validate(asyncApi), true, JSON.stringify(validate.errors?.slice(0, 5)))
  })

  it('every type of event is a message, in the feed and as it is pushed', () => {
    const { channels } = asyncApi as { channels: Record<'feed' | 'push', { messages: Json }> }
    assert.deepEqual(Object.keys(channels.feed.messages), eventTypes)
    assert.deepEqual(Object.keys(channels.push.messages), [...eventTypes, testEventType])
  })

  it('they are small enough to read at once', () => {
    assert.ok(JSON.stringify(openApi).length < 500_000)
    assert.ok(JSON.stringify(asyncApi).length < 200_000)
  })
})
