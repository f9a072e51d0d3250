import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { decryptField } from '../../../src/providers/wechatpay/sensitive-field.ts'
import { fixture, strangerKey } from '../../support/wechatpay.ts'

// From RSAPrivacyDecryptorTest of WeChat Pay's own Java library, with the key beside it.
const example =
  'Qqsluo7R1IZyAqdkm/jBzwXDP5VndCwwFbRA+yILFTYciZzrRChQIQ7SKuI2k3YSR5auB3ZspdjR1WPB3PTCKe6BCFx3NnaPWhSwonYTmW8ZseXj' +
  'kbcYSbKL5O/6dr6Zftg3t2A2FUd97acjM1fr2EIvIvRieQ3Hl8qVkDBY9520wm1rzvePUnxQWN70RZiBcqr7O7Gb0gU3l7FkvoUFSbY44HgDJetm' +
  'Vow3yGIV3Tcd45o2MNQ+5F1qvjIjb3/6dkGKce4/kNTYraUMO6o6kfFXlfg+bFRIiz8hiUpbToWdu7g0R5Hq0/YIE5vw/5Ms4gbk2HIQIfOLkY8s' +
  'EPjYHA=='

describe('wechatpay sensitive fields', () => {
  const key = createPrivateKey(fixture('java-sdk-merchant.key.pem'))

  it('reads the example of WeChat Pay’s own Java library', () =>
    assert.equal(decryptField(example, key), 'plaintext'))

  it('reads nothing under another key, and nothing that was changed', () => {
    assert.equal(decryptField(example, strangerKey), undefined)
    assert.equal(decryptField(`R${example.slice(1)}`, key), undefined)
    assert.equal(decryptField('!!', key), undefined)
  })
})
