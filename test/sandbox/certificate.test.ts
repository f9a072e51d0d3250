import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { makeCertificate } from '../../src/sandbox/certificate.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

describe('a certificate of the sandbox', () => {
  it('is read back by Node as it was meant, and is signed by its own key', () => {
    for (const serial of ['5157F09EFDC096DE15EBE81A47057A7232F1B8E1', 'F0', '7', 'ABC']) {
      const validFrom = Date.parse('2026-01-02T03:04:05Z')
      const validUntil = Date.parse('2061-01-02T03:04:05Z')
      const commonName = 'Tenpay.com sandbox'
      const pem = makeCertificate({ privateKey, serial, commonName, validFrom, validUntil })
      const certificate = new X509Certificate(pem)
      assert.equal(certificate.serialNumber.replace(/^0+/, ''), serial)
      assert.deepEqual([certificate.subject, certificate.issuer], [`CN=${commonName}`, `CN=${commonName}`])
      assert.deepEqual(
        [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)],
        [validFrom, validUntil],
      )
      assert.ok(certificate.verify(publicKey))
      assert.ok(certificate.checkPrivateKey(privateKey))
    }
  })
})
