/** The program's API, as the benchmark of deliveries uses it. */
import { Pool } from 'undici'

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export function createApi(apiUrl: string, token: string) {
  const pool = new Pool(apiUrl, { connections: 8 })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return {
    async call<Answer>(method: Method, path: string, content?: object): Promise<Answer> {
      const sent = content === undefined ? null : JSON.stringify(content)
      const { statusCode, body } = await pool.request({ method, path, headers, body: sent })
      const text = await body.text()
      if (statusCode >= 300) throw new Error(`${method} ${path} was answered ${statusCode}: ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as Answer
    },
    close: () => pool.close(),
  }
}
