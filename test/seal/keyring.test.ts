import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { AppError } from '../../src/domain/errors.ts'
import {
  checkValue,
  createDigest,
  createKeyring,
  deriveKey,
  sealedBytes,
  sealedUnder,
} from '../../src/seal/keyring.ts'

const oldKey = { id: 'k1', key: new Uint8Array(randomBytes(32)) }
const newKey = { id: 'k2', key: new Uint8Array(randomBytes(32)) }
const plain = Buffer.from('{"account_number":"0000000000"}')

function refused(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof AppError)
    assert.equal(error.code, 'cannot-unseal')
    return error.detail
  }
  assert.fail('It opened.')
}

describe('keyring', () => {
  it('opens what it sealed, in the place it was sealed for', () => {
    const keyring = createKeyring([oldKey])
    assert.deepEqual(keyring.open(keyring.seal(plain, 'receipt:rc-1'), 'receipt:rc-1'), plain)
  })

  it('shows nothing of what is sealed, and never the same twice', () => {
    const keyring = createKeyring([oldKey])
    const [first, second] = [keyring.seal(plain, 'p'), keyring.seal(plain, 'p')]
    assert.notEqual(first, second)
    assert.ok(!Buffer.from(first.split('.')[2] ?? '', 'base64').includes('account_number'))
  })

  it('says of a sealed blob which key it needs and how long it is', () => {
    for (const length of [0, 1, 2, 3, 100]) {
      const sealed = createKeyring([newKey, oldKey]).seal(Buffer.alloc(length), 'p')
      assert.equal(sealedUnder(sealed), 'k2')
      assert.equal(sealedBytes(sealed), length)
    }
  })

  it('digests a number under its key alone', () => {
    const digest = createDigest(oldKey.key)
    assert.equal(digest('bank:1'), createDigest(oldKey.key)('bank:1'))
    assert.notEqual(digest('bank:1'), digest('bank:2'))
    assert.notEqual(digest('bank:1'), createDigest(newKey.key)('bank:1'))
    assert.match(digest('bank:1'), /^[\w-]{22}$/)
  })

  it('seals with the first key and opens with all', () => {
    const before = createKeyring([oldKey]).seal(plain, 'p')
    const rotated = createKeyring([newKey, oldKey])
    assert.match(rotated.seal(plain, 'p'), /^s1\.k2\./)
    assert.deepEqual(rotated.open(before, 'p'), plain)
  })

  it('does not open in another place, under another key, or changed by a bit', () => {
    const sealed = createKeyring([oldKey]).seal(plain, 'receipt:rc-1')
    assert.match(
      refused(() => createKeyring([oldKey]).open(sealed, 'receipt:rc-2')),
      /does not authenticate/,
    )
    assert.match(
      refused(() => createKeyring([newKey]).open(sealed, 'receipt:rc-1')),
      /not among seal.keys/,
    )
    assert.match(
      refused(() => createKeyring([{ ...newKey, id: 'k1' }]).open(sealed, 'receipt:rc-1')),
      /does not authenticate/,
    )
    const [form, id, text = ''] = sealed.split('.')
    const bytes = Buffer.from(text, 'base64')
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes)
      changed[i] = (changed[i] ?? 0) ^ 1
      refused(() =>
        createKeyring([oldKey]).open(`${form}.${id}.${changed.toString('base64')}`, 'receipt:rc-1'),
      )
    }
  })

  it('refuses what is not sealed', () => {
    const keyring = createKeyring([oldKey])
    for (const text of ['', 's1', 's1.k1', 's1.k1.', 's2.k1.AAAA', 's1.k1.AAAA'])
      refused(() => keyring.open(text, 'p'))
  })

  it('tells keys apart without saying what they are', () => {
    assert.notEqual(checkValue(oldKey.key), checkValue(newKey.key))
    assert.equal(checkValue(oldKey.key), checkValue(new Uint8Array(oldKey.key)))
    assert.notDeepEqual(deriveKey(oldKey.key, 'session'), deriveKey(oldKey.key, 'content'))
  })
})
