import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { authorise, signatureType, signBytes } from '../../../src/providers/wechatpay/signature.ts'
import { fixture } from '../../support/wechatpay.ts'

// WeChat Pay's own example: doc/v3/merchant/4012365334 and 4012365336, with the private key that they print.
const signer = {
  mchid: '1900007291',
  serialNo: '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB',
  privateKey: createPrivateKey(fixture('official-sample.key.pem')),
  timestamp: 1554208460,
  nonce: '593BEC0C930BF1AFEB40B4A08C8FB242',
}
const orderBody =
  '{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Image形象店-深圳腾大-QQ公仔",' +
  '"out_trade_no":"1217752501201407033233368018","notify_url":"https://www.weixin.qq.com/wxpay/pay.php",' +
  '"amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}'

function pairsOf(authorization: string): Record<string, string> {
  assert.ok(authorization.startsWith(`${signatureType} `))
  return Object.fromEntries(
    [...authorization.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  )
}

describe('wechatpay request signature', () => {
  it('is checked with the very key and body that the documents print', () => {
    const spki = createPublicKey(fixture('official-sample.key.pem')).export({ type: 'spki', format: 'der' })
    const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(sha256(spki), '0076df9361cc1f5744359234d7df9fd43442cf369fb98826562f1d10a347ec5c')
    assert.equal(sha256(orderBody), '1bffd7f50c227c0e65ccb4bde7d38ffcfee86dffd297f62e549571612b76f5e6')
  })

  it('over bare bytes is the one of the Go library', () => {
    // utils/sign_test.go of wechatpay-go; its key is printed there under another label.
    assert.equal(
      signBytes(Buffer.from('source'), createPrivateKey(fixture('go-sdk.key.pem'))),
      'BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoVz+pp4hAm6pHU4ld815U4jsKu1RkyaII+1' +
        'CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlCqIMzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYG' +
        'pDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/RAJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+' +
        '8m1rLg==',
    )
  })

  it('of a GET without a body is the one of the documents', () => {
    const path = '/v3/refund/domestic/refunds/123123123123'
    assert.deepEqual(pairsOf(authorise({ method: 'GET', pathAndQuery: path, body: '' }, signer)), {
      mchid: '1900007291',
      nonce_str: '593BEC0C930BF1AFEB40B4A08C8FB242',
      timestamp: '1554208460',
      serial_no: '408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB',
      signature:
        'Lc9VXxmeonkdV8Xk9tmigQFLhl0vRWTerdmoRu01aAnYwIrD/5nsSwE1WlmZGLRlAFTNQ3QsMa0+VRDlJp1Wp5p0nO8EK68b5sJBbjouxaFc' +
        'iIfq1zfDWWz+jqhcMoKXI1A6dPm1AW7D4d30WsMTNzp6g23OXakIsh9LO3lUmwvTuE0BY8ncf6tNGk4wKmvXwERd/ZpoQY3MAVKz+Nakwc+2' +
        'XBmzT66KcUehU5kr4IvGa/lEU5RZb/q00zP9VLdBhC/jQSX3X1UcJLCtEc4gTmib4tnmAT+bHF/e17ZAuxDNcx6rqT8gNEXqaJGG+1OflMST' +
        'U2tpyG65G4dMKdFcoA==',
    })
  })

  it('of a POST with text beyond ASCII is the one of the documents', () => {
    const request = {
      method: 'POST',
      pathAndQuery: '/v3/pay/transactions/jsapi',
      body: orderBody,
    } as const
    assert.equal(
      pairsOf(authorise(request, signer)).signature,
      'jnks4dlrPw3ZX+ozVvSK39oa0t7OMBsg83BHAwd8BRdUFiVaQNTLTvci+wURgP1OQBbKYhFGvt7iqYpDSTQkp7Uq1sltaQKyncCyrA1g88m5bsKE' +
        'RQfPyT0ahSwKTYJ1CAn9QiJuSJRq1QsQs07eehbU/k9BCS51jTyc1Jpsi2H77HF9f/BnjXAOP3/sPObg6V5Ee4EzwLox684hhuMuIwHo7D8KFk3L' +
        'IHOKDcNI4It1aCXydFWNpNK+SG86VUDe5kwoDpw4Ulqfu9z8OFDGbDs9TCxEv8iqQzbpxOlEVoOe2kalSYM5kApQb3nZcxdUtoE0liJGW3RGUNE0' +
        't4v01A==',
    )
  })
})
