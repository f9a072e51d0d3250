/** How the clients of all accounts call out. */
import type { ConnectTo } from '../providers/client.ts'

export function createConnectTo(): ConnectTo {
  return () => async () => ({ outcome: 'unsent', because: 'Nothing can be called yet.' })
}
