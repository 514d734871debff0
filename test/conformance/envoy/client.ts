/**
 * The mesh as the recorded client's counterpart: one request in, one line of what came of it out. A request goes through `mesh.fetch` where
 * fetch sends it as recorded; where a URL would change it (fragments, dot segments, repeated header lines) it enters below fetch.
 */

import { makeFetch } from '../../../src/adapters/outbound/fetch.ts'
import type { Outcome as Ended } from '../../../src/core/outcome.ts'
import { outcomeOf } from '../../../src/index.ts'
import { MeshCore } from '../../../src/mesh/mesh.ts'
import { governed, type Mesh } from '../../../src/mesh/public.ts'
import { createTransport } from '../../../src/traffic/transport/node.ts'
import type { RequestSpec, Scenario } from './scenario.ts'

/** A request, byte for byte. */
export interface Sent {
  id: string
  method: string
  /** Host[:port], its port being the listener's. */
  authority: string
  path: string
  headers: [string, string][]
  body: string | undefined
  abortAfter: number | undefined
  /** What cannot be said in a process: the Host header names another port than the listener's and the rules look at it. */
  unsayable: boolean
}

export interface Received {
  status?: number
  error?: string
  headers: [string, string][]
  body: string
  bodyError?: string
  outcome?: Ended
}

export function sentOf(request: RequestSpec, id: string, rules: string): Sent {
  const url = new URL(request.url)
  const port = Number(url.port || 80)
  const host = request.host ?? url.host
  const [, name = '', said] = /^(.*?)(?::(\d+))?$/.exec(host)!
  const portsDiffer = said !== undefined && Number(said) !== port
  // The listener decides the port. A Host that says another one, or none, is the same to every rule that does not read the authority.
  const authority = portsDiffer || (said === undefined && port !== 80) ? `${name}${port === 80 ? '' : `:${port}`}` : host
  let path = request.path ?? request.url.replace(/^[a-z]+:\/\/[^/?#]*/, '')
  if (!path.startsWith('/')) path = `/${path}`
  return {
    id,
    method: request.method ?? 'GET',
    authority,
    path,
    headers: [...Object.entries(request.headers ?? {}).flatMap(([k, v]) => [v].flat().map(x => [k, x] as [string, string])), ['x-id', id]],
    body: typeof request.body === 'object' ? request.body.repeat.repeat(request.body.n) : request.body,
    abortAfter: request.abortAfter,
    unsayable: portsDiffer && /authority:|redirect:/.test(rules),
  }
}

export class Client {
  readonly #core: MeshCore
  readonly #mesh: Mesh
  readonly #listed: [string, ReturnType<Mesh['snapshot']>['clusters'][string]['endpoints']][]

  constructor(scenario: Scenario, connectTo: Record<string, string>) {
    const options = {
      rules: scenario.rules,
      workload: { namespace: 'default', labels: { app: 'client', version: 'v1' }, domain: 'cluster.local', ...scenario.caller },
      meshConfig: scenario.mesh ?? { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      discovery: { unlisted: 'none' as const },
    }
    this.#core = new MeshCore(options, createTransport({ connectTo }))
    this.#mesh = governed(this.#core, makeFetch, () => async () => undefined)
    this.#listed = Object.entries(this.#mesh.snapshot().clusters).map(([name, c]) => [name, c.endpoints])
  }

  async send(sent: Sent): Promise<Received> {
    const abort = sent.abortAfter === undefined ? undefined : new AbortController()
    const gone = new Error('client-abort')
    const timer = abort && setTimeout(() => abort.abort(gone), sent.abortAfter)
    const received: Received = { headers: [], body: '' }
    try {
      await (throughFetch(sent) ? this.#viaFetch(sent, abort?.signal, received) : this.#below(sent, abort?.signal, received))
    } catch (error) {
      if (received.status !== undefined) received.bodyError = error === gone ? 'client-abort' : String((error as any)?.code ?? error)
      else received.error = error === gone ? 'client-abort' : String((error as any)?.cause ?? error)
    }
    clearTimeout(timer)
    return received
  }

  async #viaFetch(sent: Sent, signal: AbortSignal | undefined, received: Received): Promise<void> {
    const body = sent.body === undefined ? {} : { body: Buffer.from(sent.body, 'latin1') }
    const init: RequestInit = { method: sent.method, headers: sent.headers, redirect: 'manual', ...body, ...(signal ? { signal } : {}) }
    const response = await this.#mesh.fetch(`http://${sent.authority}${sent.path}`, init)
    received.status = response.status
    received.outcome = outcomeOf(response)!
    for (const [name, value] of response.headers) received.headers.push([name, value])
    received.body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  }

  async #below(sent: Sent, signal: AbortSignal | undefined, received: Received): Promise<void> {
    const bytes = sent.body === undefined ? undefined : Buffer.from(sent.body, 'latin1')
    const reply = await this.#core.handle({
      method: sent.method,
      scheme: 'http',
      authority: sent.authority,
      path: sent.path,
      headers: sent.headers.flat(),
      body: bytes === undefined ? undefined : { bytes, length: bytes.length },
      signal,
    })
    received.status = reply.status
    received.outcome = reply.outcome
    for (let i = 0; i < reply.headers.length; i += 2) received.headers.push([reply.headers[i]!.toLowerCase(), reply.headers[i + 1]!])
    received.body =
      reply.text ??
      (await new Promise<string>((resolve, reject) => {
        const chunks: Uint8Array[] = []
        reply.body!.read({
          data: chunk => chunks.push(chunk),
          end: () => resolve(Buffer.concat(chunks).toString('latin1')),
          error: reject,
        })
      }))
  }

  hosts(): Record<string, Record<string, string>> {
    const all: Record<string, Record<string, string>> = {}
    for (const [name, { endpoints }] of Object.entries(this.#mesh.snapshot().clusters))
      all[name] = Object.fromEntries(endpoints.map(e => [e.address, e.health === 'ejected' ? 'ejected' : 'ok']))
    return all
  }

  stats(): Record<string, Record<string, number>> {
    const { clusters, stats } = this.#mesh.snapshot()
    return { ...Object.fromEntries(Object.entries(clusters).map(([name, c]) => [name, c.stats])), http: stats }
  }

  setEndpoints(addresses: ReadonlySet<string>): void {
    for (const [cluster, endpoints] of this.#listed)
      if (endpoints.some(e => addresses.has(e.address)))
        this.#mesh.setEndpoints(
          cluster,
          endpoints
            .filter(e => addresses.has(e.address))
            .map(({ address, labels, locality, priority, weight }) => ({ address, labels, locality, priority, weight })),
        )
  }

  close(): Promise<void> {
    return this.#mesh.close()
  }
}

/** Whether fetch sends it as it is. */
function throughFetch(sent: Sent): boolean {
  const address = `http://${sent.authority}${sent.path}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.host !== sent.authority || url.pathname + url.search !== sent.path || url.hash !== '') return false
  if (sent.body !== undefined && (sent.method === 'GET' || sent.method === 'HEAD')) return false
  const names = sent.headers.map(([name]) => name.toLowerCase())
  return new Set(names).size === names.length
}
