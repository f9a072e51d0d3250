/** Where things are at WeChat Pay, as they are sent and signed. */

export const batchesPath = '/v3/partner-transfer/batches'

/** How many transfers of a batch one answer lists; WeChat Pay allows no more. */
export const pageSize = 100

export function batchPath(batch: string): string {
  return `${ofBatch(batch)}?need_query_detail=false`
}

export function batchPagePath(batch: string, from: number): string {
  return `${ofBatch(batch)}?need_query_detail=true&offset=${from}&limit=${pageSize}&detail_status=ALL`
}

export function detailPath(batch: string, reference: string): string {
  return `${ofBatch(batch)}/details/out-detail-no/${encode(reference)}`
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

function ofBatch(batch: string): string {
  return `${batchesPath}/out-batch-no/${encode(batch)}`
}

/** What encodeURIComponent leaves is encoded by some on the way, and the path must travel as it was signed. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
