/** Where things are at WeChat Pay, as they are sent and signed. */

export const batchesPath = '/v3/partner-transfer/batches'

/** How many transfers of a batch one answer lists; WeChat Pay allows no more. */
export const pageSize = 100

/** Under whose number: ours, or the one that WeChat Pay has given it. */
export type Whose = 'ours' | 'theirs'

export function batchPath(batch: string, whose: Whose = 'ours'): string {
  return `${ofBatch(batch, whose)}?need_query_detail=false`
}

export function batchPagePath(batch: string, from: number, whose: Whose = 'ours'): string {
  return `${ofBatch(batch, whose)}?need_query_detail=true&offset=${from}&limit=${pageSize}&detail_status=ALL`
}

export function detailPath(batch: string, detail: string, whose: Whose = 'ours'): string {
  const by = whose === 'ours' ? 'out-detail-no' : 'detail-id'
  return `${ofBatch(batch, whose)}/details/${by}/${encode(detail)}`
}

export function grantPath(openid: string): string {
  return `/v3/multiuse/users/${encode(openid)}/coupons`
}

export function couponPath(openid: string, couponNumber: string, appid: string): string {
  return `/v3/marketing/favor/users/${encode(openid)}/coupons/${encode(couponNumber)}?appid=${encode(appid)}`
}

/** A dot alone, or two, would be another path by the time it is sent. */
export function fitsPath(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..'
}

function ofBatch(batch: string, whose: Whose): string {
  return `${batchesPath}/${whose === 'ours' ? 'out-batch-no' : 'batch-id'}/${encode(batch)}`
}

/** What encodeURIComponent leaves is encoded by some on the way, and the path must travel as it was signed. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
