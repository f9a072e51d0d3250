interface HostPort {
  host: string
  port: number
}

export interface Credentials {
  username?: string
  password?: string
}

/** Where Redis is: an address, the Unix socket of the embedded one, Sentinels that know the master, nodes of a cluster. */
export type RedisTarget =
  | { kind: 'url'; url: string }
  | { kind: 'socket'; path: string }
  | ({
      kind: 'sentinel'
      nodes: readonly HostPort[]
      master: string
      db: number
      tls: boolean
      sentinelUsername?: string
      sentinelPassword?: string
    } & Credentials)
  | ({ kind: 'cluster'; nodes: readonly HostPort[]; tls: boolean } & Credentials)

/** Without the password, which a URL may hold. */
export function describeTarget(target: RedisTarget): string {
  switch (target.kind) {
    case 'socket':
      return target.path
    case 'url': {
      const url = new URL(target.url)
      return `${url.protocol}//${url.host}${url.pathname}`
    }
    case 'sentinel':
      return `${schemeOf(target)}+sentinel://${listOf(target.nodes)}/${target.master}`
    case 'cluster':
      return `${schemeOf(target)}+cluster://${listOf(target.nodes)}`
  }
}

const schemeOf = ({ tls }: { tls: boolean }) => (tls ? 'rediss' : 'redis')
const listOf = (nodes: readonly HostPort[]) => nodes.map(({ host, port }) => `${host}:${port}`).join(',')
