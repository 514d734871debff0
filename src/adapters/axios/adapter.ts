/** axios as an adapter over the mesh: a config becomes requests of the mesh, hop by hop, and the last reply what axios users expect. axios itself is never imported. */
import { type BodyCare, drain } from '../../core/body.ts'
import type { Handle, MeshReply } from '../../traffic/engine/exchange.ts'
import { Cancellation } from './cancellation.ts'
import { type Given, readConfig } from './config.ts'
import { answerDataUrl } from './data-url.ts'
import { axiosError, axiosErrorFrom, refusedStatus } from './errors.ts'
import { type Hop, Redirects } from './redirects.ts'
import { type BodySettings, type RequestBody, requestBody } from './request-body.ts'
import { basic, credentials, sendable } from './request-headers.ts'
import { RequestView } from './request-view.ts'
import { incoming } from './response.ts'
import { fullUrl, pathOf } from './url.ts'

export type AxiosSettings = BodyCare & BodySettings

/** An adapter for `axios.create({ adapter })` that sends through the mesh. */
export function axiosAdapter(handle: Handle, settings: AxiosSettings): (config: any) => Promise<any> {
  return config => {
    // Whatever comes of the request: a stream that breaks must not end the process.
    config.data?.on?.('error', ignore)
    // A promise of its own: axios adds the stack of its caller to an error, which would have it twice.
    return new Promise((resolve, reject) => {
      request(handle, settings, config).then(
        response => resolve(response),
        error => reject(error),
      )
    })
  }
}

async function request(handle: Handle, settings: AxiosSettings, config: any): Promise<any> {
  const given = readConfig(config)
  const url = new URL(fullUrl(given), globalThis.location?.origin)
  if (url.protocol === 'data:') return settled(answerDataUrl(given))
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw axiosError(`Unsupported protocol ${url.protocol}`, 'ERR_BAD_REQUEST', config)
  return new AxiosRequest(handle, settings, given, url).run()
}

class AxiosRequest {
  readonly #handle: Handle
  readonly #settings: AxiosSettings
  readonly #given: Given
  readonly #url: URL
  readonly #cancellation: Cancellation
  #view: RequestView | undefined

  constructor(handle: Handle, settings: AxiosSettings, given: Given, url: URL) {
    this.#handle = handle
    this.#settings = settings
    this.#given = given
    this.#url = url
    this.#cancellation = new Cancellation(given, settings.clock)
  }

  async run(): Promise<any> {
    const cancellation = this.#cancellation
    let body: RequestBody | undefined
    let isOpen = false
    try {
      const making = requestBody(this.#given, this.#settings, cancellation)
      body = making instanceof Promise ? await making : making
      const first = this.#first(body)
      const reply = await this.#follow(first, body)
      const { response, data } = incoming(reply, {
        given: this.#given,
        care: this.#settings,
        cancellation,
        request: this.#view!,
        explain: (error, broken, isPlain) => this.#explain(error, broken, isPlain),
      })
      isOpen = this.#given.own('responseType') === 'stream'
      response.data = isOpen ? data() : await data()
      return settled(response)
    } catch (error) {
      isOpen = isOpen && cancellation.error === undefined
      throw this.#explain(error)
    } finally {
      body?.release()
      if (!isOpen) cancellation.end()
    }
  }

  #first(body: RequestBody): Hop {
    const given = this.#given
    const auth = this.#auth
    if (auth !== undefined) given.headers.delete('Authorization')
    const headers = sendable(given.headers, given.config)
    if (auth !== undefined) headers['Authorization'] = basic(auth)
    const { method } = given
    if (method === 'CONNECT' || !/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(method))
      throw Object.assign(new TypeError(`Method must be a valid HTTP token ["${method}"]`), { code: 'ERR_INVALID_HTTP_TOKEN' })
    return { method, url: this.#url, path: pathOf(this.#url, given), headers, hasBody: !body.isEmpty }
  }

  get #auth(): string | undefined {
    return credentials(this.#given.own('auth'), this.#url)
  }

  async #follow(first: Hop, body: RequestBody): Promise<MeshReply> {
    const redirects = new Redirects(this.#given, this.#auth)
    for (let hop = first; ; ) {
      const reply = await this.#send(hop, body, redirects.count)
      let next: Hop | undefined
      try {
        next = redirects.next(hop, reply, body.isRepeatable)
      } catch (error) {
        if (reply.body !== undefined) drain(reply.body, this.#settings)
        throw error
      }
      if (next === undefined) return reply
      if (reply.body !== undefined) drain(reply.body, this.#settings)
      hop = next
    }
  }

  async #send({ method, url, path, headers, hasBody, trust }: Hop, body: RequestBody, redirects: number): Promise<MeshReply> {
    const view = new RequestView(method, url, path, headers)
    view._redirectCount = redirects
    this.#view = view
    this.#cancellation.request = view
    const lines: string[] = []
    for (const [name, value] of Object.entries(headers)) for (const line of Array.isArray(value) ? value : [value]) lines.push(name, line)
    const reply = await this.#handle({
      method,
      scheme: url.protocol === 'https:' ? 'https' : 'http',
      authority: url.host,
      path,
      headers: lines,
      body: hasBody ? body.wire() : undefined,
      signal: this.#cancellation.signal,
      trust,
    })
    view.answered(reply)
    return reply
  }

  /** The error as axios would put it. `response`: its body broke. */
  #explain(error: any, response?: any, isPlain = false): unknown {
    const { error: ended, bySignal } = this.#cancellation
    const { config } = this.#given
    // axios itself makes the error of its own class, where it has not given the response yet.
    if (bySignal && response === undefined) return axiosError('canceled', 'ERR_CANCELED', config, this.#view)
    if (ended !== undefined) return ended
    if (error?.isAxiosError === true) return error
    const cause = error instanceof TypeError && error.cause instanceof Error ? (error.cause as any) : error
    if (cause?.isAxiosError === true) return cause
    // What was wrong before anything was sent is an error of the platform, as with axios' own adapter.
    if (this.#view === undefined && cause === error) return error
    const isLost = cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET'
    if (response !== undefined && isLost) {
      if (isPlain) return axiosError('stream has been aborted', 'ERR_BAD_RESPONSE', config, this.#view, response)
      const aborted = lost('aborted', cause)
      if (this.#given.own('responseType') === 'stream') return aborted
      return axiosErrorFrom(aborted, undefined, config, this.#view, response)
    }
    const plain = cause?.code === 'UND_ERR_SOCKET' ? lost('socket hang up', cause) : cause
    return axiosErrorFrom(plain instanceof Error ? plain : new Error(String(plain)), undefined, config, this.#view, response)
  }
}

/** In Node's words: a connection that was closed by the other side. */
function lost(message: string, cause: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: 'ECONNRESET' })
}

const ignore = () => {}

function settled(response: any): any {
  const refused = refusedStatus(response)
  if (refused !== undefined) throw refused
  return response
}
