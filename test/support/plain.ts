/** Everything that somebody could read who has Redis, the archive and every key that is left. */
import { createDecipheriv, type KeyObject } from 'node:crypto'
import { ivBytes, tagBytes } from '../../src/seal/aead.ts'
import type { Keyring } from '../../src/seal/keyring.ts'
import { createPersonSealer } from '../../src/seal/person-keys.ts'
import { personPlace } from '../../src/store/vault.ts'
import type { TestStore } from './store.ts'

/** The texts as they lie there, by Redis key. */
export async function dumpRedis(
  { redis }: Pick<TestStore, 'redis'>,
  prefix: string,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  const client = redis as import('ioredis').Redis
  for (const key of await client.keys(`*${prefix}*`)) {
    const type = await client.type(key)
    const value =
      type === 'string'
        ? await client.get(key)
        : type === 'hash'
          ? await client.hgetall(key)
          : type === 'zset'
            ? await client.zrange(key, 0, '-1', 'WITHSCORES')
            : type === 'set'
              ? await client.smembers(key)
              : type === 'list'
                ? await client.lrange(key, 0, -1)
                : await client.xrange(key, '-', '+')
    texts.set(key, JSON.stringify(value))
  }
  return texts
}

/** The same, and behind it whatever in it the keys open, without regard for what it was sealed for. */
export function readAll(
  texts: readonly string[],
  personKeys: ReadonlyMap<string, string>,
  keyring: Keyring,
  sealKeys: readonly KeyObject[],
): string {
  const persons = [...personKeys].map(([digest, wrapped]) => {
    const bytes = keyring.open(wrapped, personPlace(digest))
    return createPersonSealer().read(bytes).key
  })
  const all = texts.join('\n')
  const sealed = all.match(/[sp]1\.[A-Za-z0-9_-]+\.[A-Za-z0-9+/]+=*/g) ?? []
  const opened = sealed.flatMap((text) => {
    const body = Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64')
    if (body.length < ivBytes + tagBytes) return []
    // Without its tag anything opens; what the key is not of comes out as noise.
    return [...persons, ...sealKeys].map((key) => {
      const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, ivBytes))
      return decipher.update(body.subarray(ivBytes, -tagBytes)).toString()
    })
  })
  return `${all}\n${opened.join('\n')}`
}
