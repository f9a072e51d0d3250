/** The documented refusals, with the field that is at fault where there is one. */

export interface Problem {
  status: number
  code: string
  message: string
  detail?: { location: 'body' | 'query' | 'path' | 'header'; field: string; issue: string } | undefined
}

export type Read<T> = { outcome: 'read'; value: T } | { outcome: 'refused'; problem: Problem }

export function read<T>(value: T): Read<T> {
  return { outcome: 'read', value }
}

export function refuse(problem: Problem): { outcome: 'refused'; problem: Problem } {
  return { outcome: 'refused', problem }
}

type Place = NonNullable<Problem['detail']>['location']

export function paramError(location: Place, field: string, issue: string): Problem {
  return {
    status: 400,
    code: 'PARAM_ERROR',
    message: `参数错误: ${field}: ${issue}`,
    detail: { location, field, issue },
  }
}

export const problems = {
  sign: (issue: string): Problem => ({
    status: 401,
    code: 'SIGN_ERROR',
    message: `签名错误: ${issue}`,
    detail: { location: 'header', field: 'Authorization', issue },
  }),
  /** The same number, other parameters. */
  otherParameters: (field: string): Problem => ({
    status: 400,
    code: 'INVALID_REQUEST',
    message: '请求重入时, 参数与首次请求时不一致',
    detail: { location: 'body', field, issue: 'It was accepted before with other parameters.' },
  }),
  notEnough: { status: 403, code: 'NOT_ENOUGH', message: '资金不足' },
  notFound: { status: 404, code: 'NOT_FOUND', message: '记录不存在' },
  noResource: { status: 404, code: 'RESOURCE_NOT_EXISTS', message: '资源不存在' },
  tooFrequent: { status: 429, code: 'FREQUENCY_LIMITED', message: '频率超限' },
  system: { status: 500, code: 'SYSTEM_ERROR', message: '系统错误' },
} as const satisfies Record<string, Problem | ((text: string) => Problem)>
