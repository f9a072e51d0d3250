/** `GET /v3/certificates`: those that are good, each encrypted under the APIv3 key. */

import { formatShanghaiTime } from '../wechatpay-events.ts'
import { encryptResource } from '../wechatpay-signer.ts'
import { asAnswer } from './answer.ts'
import type { Handler } from './handle.ts'
import type { Platform } from './platform.ts'
import { paramError, problems } from './problem.ts'

const algorithms: unknown[] = [undefined, 'RSA', 'SM2', 'ALL']

export function createCertificateCall(platform: Platform, apiV3Key: Uint8Array): Handler {
  return ({ req }) => {
    const { algorithm_type: algorithm } = req.query
    if (!algorithms.includes(algorithm))
      return asAnswer(paramError('query', 'algorithm_type', 'It must be one of RSA, SM2, ALL.'))
    const certificates = algorithm === 'SM2' ? [] : platform.certificates()
    if (certificates.length === 0) return asAnswer(problems.noResource)
    const data = certificates.map(({ serial, pem, from, until }) => ({
      serial_no: serial,
      effective_time: formatShanghaiTime(from),
      expire_time: formatShanghaiTime(until),
      encrypt_certificate: encryptResource(pem, apiV3Key, 'certificate'),
    }))
    return { status: 200, body: { data } }
  }
}
