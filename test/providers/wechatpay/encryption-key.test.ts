import assert from 'node:assert/strict'
import { type PlatformKey, writeSerial } from '../../../src/providers/wechatpay/account.ts'
import { chooseEncryptionKey, createPlatformKeys } from '../../../src/providers/wechatpay/platform-keys.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { now, oldCertificate, publicKeyId } from '../../support/wechatpay.ts'

const { key } = oldCertificate
const hourMs = 3600_000
const certificate = (serial: string, from: number, until: number): PlatformKey => ({
  serial,
  key,
  valid: { from: now + from * hourMs, until: now + until * hourMs },
})
const publicKey: PlatformKey = { serial: publicKeyId, key }
const older = certificate('AA', -2, 1)
const newer = certificate('AB', -1, 2)
const expired = certificate('AC', -3, -1)
const coming = certificate('AD', 1, 9)

describe('wechatpay encryption key', () => {
  const choose = (...keys: PlatformKey[]) => chooseEncryptionKey(keys, now)?.serial

  it('is the public key where there is one', () => {
    assert.equal(choose(newer, publicKey, older), publicKeyId)
    assert.equal(choose(publicKey, { ...publicKey, serial: 'PUB_KEY_ID_02' }), publicKeyId)
  })

  it('is else the certificate that expires last, of those that are valid', () => {
    assert.equal(choose(older, newer, expired, coming), 'AB')
    assert.equal(choose(newer, older), 'AB')
    assert.equal(choose(expired, coming), undefined)
    assert.equal(choose(), undefined)
  })

  it('is named in whole bytes, as WeChat Pay’s libraries do it', () => {
    assert.equal(writeSerial(publicKey), publicKeyId)
    assert.equal(writeSerial(older), 'AA')
    assert.equal(writeSerial({ ...older, serial: 'ABC' }), '0ABC')
  })

  it('is fetched where none is held, once however many ask', async () => {
    let loads = 0
    let time = now
    const keys = createPlatformKeys({
      configured: [expired],
      load: async () => {
        loads++
        return { outcome: 'loaded', keys: loads === 1 ? [] : [older, newer] }
      },
      clock: () => time,
      logger: silentLogger,
    })
    assert.deepEqual(await Promise.all([keys.encryptionKey(), keys.encryptionKey()]), [undefined, undefined])
    assert.equal(await keys.encryptionKey(), undefined)
    assert.equal(loads, 1, 'in the pause')
    time += 60_000
    assert.equal((await keys.encryptionKey())?.serial, 'AB')
    assert.equal((await keys.encryptionKey())?.serial, 'AB')
    assert.equal(loads, 2)
    time += 2 * hourMs
    await keys.encryptionKey()
    assert.equal(loads, 3, 'the last one has run out')
  })

  it('is none where nothing can be fetched', async () => {
    const keys = createPlatformKeys({ configured: [expired], clock: () => now, logger: silentLogger })
    assert.equal(await keys.encryptionKey(), undefined)
  })
})
