/** Sending as a process does it, with the names of a test and loopback allowed where the test says so. */
import { createPoster, type PostOptions } from '../../src/outbound/post.ts'
import { createSend } from '../../src/workers/deliver/send.ts'
import { createSign } from '../../src/workers/deliver/sign.ts'

export const testSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const otherSecret = `whsec_${Buffer.alloc(32, 8).toString('base64')}`

export const loopback = ['127.0.0.0/8', '::1/128']

const never = new AbortController().signal

export function createTestSender(options: Partial<PostOptions> = {}) {
  const clock = options.clock ?? Date.now
  const poster = createPoster({ allow: loopback, http: true, timeoutMs: 5_000, clock, ...options })
  const send = createSend({ post: poster.post, sign: createSign(), clock, version: '1.2.3' })
  let sent = 0
  return {
    send,
    close: poster.close,
    /** An event of no matter, to a URL. */
    sendTo(url: string, { secrets = [testSecret], signal = never } = {}) {
      const id = `ev-tr-1-${++sent}`
      const json = JSON.stringify({ id, subject: 'tr-1', sequence: sent, type: 'test', text: 'zürich 你好' })
      return send({ url, secrets }, { id, json }, signal)
    },
  }
}

/** Of each name its answers, one after another; the last one stays. */
export function createResolve(names: Record<string, string[][]>) {
  const asked: string[] = []
  return {
    asked,
    resolve: async (host: string) => {
      asked.push(host)
      const answers = names[host]
      const addresses = (answers && answers.length > 1 ? answers.shift() : answers?.[0]) ?? []
      if (!answers) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  }
}
