import { generateKeyPairSync } from 'node:crypto'

export const benchAccount = { id: 'zeno-bench', partnerId: 'bench-client', path: '/callbacks/zeno-bench' }

export function makeBenchAccount() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    ...benchAccount,
    privateKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}
