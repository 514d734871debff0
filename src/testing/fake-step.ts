/** What an upstream that exists only in a script does with one request. */

/** An answer; `{}` is an empty 200. */
export interface FakeResponse {
  /** Default 200. */
  status?: number
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** Text or bytes; an array comes in pieces, `pause` ms apart. Default none. */
  body?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** ms on the clock until the headers come. Default 0. */
  delay?: number
  /** ms on the clock before each piece of the body. Default 0. */
  pause?: number
  /** `true`: the connection breaks after the body, which is then not complete. Default `false`. */
  cut?: boolean
}

/**
 * What happens to a request, or to a connection that is about to be made for it:
 * - `refuse`: connecting fails (`ECONNREFUSED`); `unreachable`: connecting takes until the connect timeout;
 * - `hang`: the request is taken and never answered;
 * - `reset`: the connection ends before a byte of the answer; `garbage`: what comes back is no HTTP; `refused-stream`: HTTP/2's word for "not processed".
 */
export type FakeStep = FakeResponse | 'refuse' | 'unreachable' | 'hang' | 'reset' | 'garbage' | 'refused-stream'
