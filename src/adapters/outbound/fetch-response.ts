/** The mesh's reply as the Response that the caller of fetch receives. */
import { getHeader } from '../../base/formats/headers.ts'
import type { ResourceTiming } from '../../base/time/resource-timing.ts'
import type { BodyCare } from '../../core/body.ts'
import type { MeshReply, MeshRequest } from '../../traffic/engine/exchange.ts'
import { decoderOf } from '../../traffic/transport/decode.ts'
import { LazyResponse } from '../../traffic/transport/response.ts'
import { failed } from './fetch-error.ts'
import { matchesIntegrity } from './integrity.ts'

export interface FetchHop {
  /** Without a fragment. */
  readonly url: string
  readonly redirected: boolean
  readonly type: 'basic' | 'cors' | 'opaque'
  readonly integrity: string
  readonly care: BodyCare | undefined
  readonly timing: ResourceTiming | undefined
}

export function respond(reply: MeshReply, request: MeshRequest, hop: FetchHop): Response | Promise<Response> {
  const { status, headers } = reply
  hop.timing?.responded(status)
  if (hop.type === 'opaque') return opaque(reply, hop)
  const bodiless = request.method === 'HEAD' || status === 204 || status === 205 || status === 304
  if (!bodiless && reply.body !== undefined) checkCodings(reply)
  const response = new LazyResponse({
    status,
    statusText: reply.statusText,
    headers,
    url: hop.url,
    redirected: hop.redirected,
    type: hop.type,
    outcome: reply.outcome,
    text: reply.text,
    source: reply.body,
    bodiless,
    signal: request.signal,
    care: hop.care,
    timing: hop.timing,
  }) as unknown as Response
  return hop.integrity === '' ? response : checked(response, hop.integrity)
}

/** `mode: 'no-cors'` after a redirect to another origin: nothing of the response may be seen. */
function opaque(reply: MeshReply, { type, integrity, timing }: FetchHop): Response {
  reply.body?.cancel()
  if (integrity !== '') throw failed(new Error())
  return new LazyResponse({
    status: 0,
    statusText: '',
    headers: [],
    url: '',
    redirected: false,
    type,
    outcome: reply.outcome,
    text: undefined,
    source: undefined,
    bodiless: true,
    timing,
  }) as unknown as Response
}

/** More codings than fetch undoes are an error before the caller sees the response. */
function checkCodings(reply: MeshReply): void {
  const codings = getHeader(reply.headers, 'content-encoding')
  if (codings === undefined) return
  try {
    decoderOf(codings)
  } catch (error) {
    reply.body!.cancel()
    throw failed(error)
  }
}

async function checked(response: Response, integrity: string): Promise<Response> {
  if (response.body === null) throw failed(new Error())
  const copy = response.clone()
  let bytes: ArrayBuffer
  try {
    bytes = await copy.arrayBuffer()
  } catch (error) {
    throw failed(error)
  }
  if (await matchesIntegrity(new Uint8Array(bytes), integrity)) return response
  response.body.cancel().catch(() => {})
  throw failed(new Error('integrity mismatch'))
}
