/** What gRPC asks of the engine: its requests are told from others, its deadline is a header, and its errors are answers with status 200. */
import { getHeader } from '../../base/formats/headers.ts'

/** `application/grpc` and its `+proto` kin; gRPC-Web is no gRPC. */
export function isGrpc(headers: readonly string[]): boolean {
  const type = getHeader(headers, 'content-type')
  return type !== undefined && (type === 'application/grpc' || type.startsWith('application/grpc+'))
}

const UNIT: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1 / 1000, n: 1 / 1_000_000 }

/** A `grpc-timeout` in ms, parts of one rounded up; `undefined` for one that cannot be read. */
export function parseGrpcTimeout(text: string | undefined): number | undefined {
  const parts = text === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(text)
  return parts === null ? undefined : Math.ceil(Number(parts[1]) * UNIT[parts[2]!]!)
}

/** ms as a `grpc-timeout`, which holds eight digits. */
export function formatGrpcTimeout(ms: number): string {
  let value = Math.floor(ms)
  if (value <= 99_999_999) return `${value}m`
  value = Math.floor(value / 1000)
  for (const unit of 'SMH') {
    if (value <= 99_999_999) return `${value}${unit}`
    value = Math.floor(value / 60)
  }
  return '99999999H'
}

const OF_HTTP: Record<number, number> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 }

/** The status that stands for an HTTP one: UNKNOWN where there is none. */
export const grpcStatusOf = (httpStatus: number): number => OF_HTTP[httpStatus] ?? 2

/** `grpc-message` holds printable ASCII; the rest is written as percent signs of its UTF-8. */
export function grpcMessage(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/g, part => {
    let out = ''
    for (const byte of new TextEncoder().encode(part)) out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    return out
  })
}
