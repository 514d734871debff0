/** The mesh's reply as the Response that the caller of fetch gets. */

import { getHeader } from '../../base/formats/headers.ts'
import { drain } from '../../core/body.ts'
import type { MeshReply, MeshRequest } from '../../traffic/engine/exchange.ts'
import { resetReply } from '../../traffic/engine/local-reply.ts'
import { decoderOf } from '../../traffic/transport/decode.ts'
import type { BodyCare } from '../../traffic/transport/inflow.ts'
import { LazyResponse } from '../../traffic/transport/response.ts'
import { failed } from './fetch-error.ts'
import { matchesIntegrity } from './integrity.ts'

export interface Hop {
  readonly url: URL
  readonly redirected: boolean
  readonly type: ResponseType
  readonly integrity: string
  readonly care: BodyCare | undefined
}

export function respond(given: MeshReply, request: MeshRequest, hop: Hop): Response | Promise<Response> {
  const reply = given.status < 200 || given.status > 599 ? outOfRange(given) : given
  const { status, headers } = reply
  const bodiless = request.method === 'HEAD' || status === 204 || status === 205 || status === 304
  if (!bodiless && reply.body !== undefined) checkCodings(reply)
  const { url } = hop
  const response = new LazyResponse({
    status,
    statusText: reply.statusText,
    headers,
    url: url.hash === '' ? url.href : url.href.slice(0, -url.hash.length),
    redirected: hop.redirected,
    type: hop.type,
    outcome: reply.outcome,
    text: reply.text,
    source: reply.body,
    bodiless,
    signal: request.signal,
    care: hop.care,
  }) as unknown as Response
  return hop.integrity === '' ? response : checked(response, hop.integrity)
}

/** More codings than anybody needs are an error before the caller sees the response, as in fetch. */
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

/** A governed answer outside 200..599 is one that cannot be understood; a host that no rule governs answers as it likes. */
function outOfRange(reply: MeshReply): MeshReply {
  const { outcome } = reply
  if (outcome.cluster === UNGOVERNED) return reply
  const error = new Error(`the upstream answered with status ${reply.status}`)
  const local = resetReply('protocol_error', error, outcome.attempts > 1)
  if (reply.body !== undefined) drain(reply.body)
  outcome.flags = outcome.flags === '' ? local.flag : `${outcome.flags},${local.flag}`
  outcome.details = local.details
  outcome.error = error
  return { status: local.status, statusText: 'Bad Gateway', headers: [...local.headers], body: undefined, text: local.body, outcome }
}

const UNGOVERNED = 'PassthroughCluster'

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
