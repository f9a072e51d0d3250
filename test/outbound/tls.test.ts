import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeCertificate } from '../../src/sandbox/certificate.ts'

const fixture = fileURLToPath(new URL('../fixtures/tls-sender.ts', import.meta.url))

describe('posting over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallyhook-tls-'))
  after(() => rmSync(folder, { recursive: true }))

  it('goes to whom a trusted certificate names, by the name of the URL, and to nobody else', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const certificate = makeCertificate({
      privateKey,
      serial: '01',
      commonName: 'hooks.example',
      validFrom: Date.now() - 60_000,
      validUntil: Date.now() + 3_600_000,
    })
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(cert, certificate)
    const args = ['--import', 'tsx', fixture, key, cert, 'hooks.example']
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    assert.deepEqual(JSON.parse(stdout), {
      attempts: [204, 204, 204, 'tls-failed', 'tls-failed'],
      taken: ['hooks.example'],
    })
  })
})
