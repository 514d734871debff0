/**
 * How bytes reach an endpoint. The engine decides who is asked and how many connections there may be; a transport only connects and
 * speaks HTTP. Node's is one; a fetch-based one and the fake of `meshless/testing` are others.
 */

/** Opens connections. */
export interface Transport {
  /** Begins to connect. Everything that follows is told to `listener`, never before this function has returned. */
  connect(target: ConnectTarget, listener: ConnectionListener): Connection
  /** What rules can ask for and this transport cannot do; the mesh says so for every cluster that asks. Default: nothing. */
  readonly cannot?: readonly TransportLimit[] | undefined
  /** Closes what it keeps beside connections (sessions, watchers). */
  close?(): void
}

/** A wish of the rules that concerns connections. */
export type TransportLimit =
  | 'connections'
  | 'connect-timeout'
  | 'tcp-keep-alive'
  | 'idle-timeout'
  | 'requests-per-connection'
  | 'connection-duration'
  | 'http2'
  | 'tls-settings'
  | 'unix-socket'
  | 'host'
  | 'endpoint-under-https'

export interface ConnectTarget {
  /** The endpoint's own address: `ip:port`, `[v6]:port`, `name:port`, or a path for a Unix socket. */
  readonly address: string
  /** Where the same endpoint can be reached as well: the next one is tried when the last is slow to connect, or fails, and the first that connects serves. */
  readonly others?: readonly string[] | undefined
  readonly protocol: 'http1' | 'http2'
  /** ms until a connect (TLS included) counts as failed; `Infinity` for none. */
  readonly connectTimeout: number
  readonly tls?: TlsSettings | undefined
  /** TCP keep-alive; `undefined`: off. */
  readonly keepAlive?:
    | { readonly time?: number | undefined; readonly interval?: number | undefined; readonly probes?: number | undefined }
    | undefined
  /** Nobody waits for it: neither connecting nor an open stream keeps the process alive. */
  readonly background?: boolean | undefined
  /** HTTP/2: streams we allow ourselves on one connection. */
  readonly maxConcurrentStreams?: number | undefined
}

export interface TlsSettings {
  readonly sni?: string | undefined
  readonly alpn?: readonly string[] | undefined
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Names of which the certificate must have one; none: the SNI is checked as usual. */
  readonly subjectAltNames?: readonly string[] | undefined
  readonly insecureSkipVerify?: boolean | undefined
}

/** Why a connection or a stream ended before its time; Envoy's words. */
export type ResetReason =
  | 'connection_failure' // could not connect
  | 'local_connection_failure' // we gave up connecting: it took longer than a connection may be idle
  | 'connection_timeout' // connectTimeout passed
  | 'connection_termination' // the peer closed or reset the connection
  | 'remote_reset' // HTTP/2 RST_STREAM
  | 'remote_error_with_CONNECT_request' // HTTP/2 CONNECT_ERROR, whatever the request was
  | 'remote_refused_stream_reset' // HTTP/2 REFUSED_STREAM: certainly not processed
  | 'protocol_error' // unparsable answer
  | 'local_reset' // we gave it up
  | 'overflow' // a limit refused it

export interface ConnectionListener {
  /** Ready for its first stream. */
  connected(connection: Connection): void
  /** Another address of the endpoint is tried beside the last one. */
  another?(connection: Connection): void
  /** Could not connect. The connection is gone. `error` has the system's code and text. */
  failed(connection: Connection, reason: 'connection_failure' | 'connection_timeout', error: Error): void
  /** A stream has ended and another one may start now. Not called when the connection can take no more. */
  available(connection: Connection): void
  /** The peer takes no new request on it (HTTP/2 GOAWAY); it closes when the running ones have ended. */
  leaving?(connection: Connection): void
  /** Every stream of it has been told. The connection is gone. `byUs`: we closed it, although `drain` and `destroy` were not called. */
  closed(connection: Connection, byUs?: boolean): void
}

export interface Connection {
  /** Streams that may run at once: 1 on HTTP/1.1; on HTTP/2 the smaller of ours and the peer's, it may change. */
  readonly concurrency: number
  /** The local `ip:port`, once connected. */
  readonly localAddress?: string | undefined
  /** Sends a request. Only when a stream is free. What follows is told to `listener`, never before this function has returned. */
  send(request: WireRequest, listener: StreamListener): Stream
  /** Takes no new stream and closes when the running ones have ended (at once when there are none). */
  drain(): void
  /** Ends it now; running streams are told `local_reset`, and that `error` is why. */
  destroy(error?: Error): void
  /** While no stream runs: whether it keeps the process alive. Streams always do. */
}

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Host header / :authority. */
  readonly authority: string
  readonly scheme: string
  /** Name, value, name, value …, in sending order, without Host, content-length and connection headers. */
  readonly headers: readonly string[]
  readonly body: WireBody | undefined
}

/** A request body that can be sent, perhaps several times. */
export interface WireBody {
  /** Its bytes when they are all at hand; replayable then. */
  readonly bytes?: Uint8Array | undefined
  /** Its length when known (then sent as content-length), otherwise it is chunked. */
  readonly length: number | undefined
  /** `open` gives the same bytes as often as it is called. */
  readonly reopens?: boolean | undefined
  /** Reads it from the start. Only when `bytes` is absent. A body that cannot be read again gives `undefined` the second time. */
  open?(): AsyncIterator<Uint8Array> | undefined
  /** The call is over. A stream that nobody has begun to read is told so; one that is being read hears it from who reads. */
  close?(): void
}

/** A response as it came off the wire, its body not yet read. */
export interface WireResponse {
  readonly status: number
  readonly statusText: string
  /** Name, value, name, value …, as received. */
  readonly headers: readonly string[]
  readonly body: BodySource
}

/** A response body: pushed to one reader, with flow control. Until `read` is called nothing is lost and the peer is held back. */
export interface BodySource {
  /** Starts delivery. Once only. */
  read(reader: BodyReader): void
  pause(): void
  resume(): void
  /** No longer wanted: the stream is given up (`drained` small rests may be read away to keep the connection). */
  cancel(): void
  /** Its length when the peer stated one; 0 when none follows, whatever length the headers state (HEAD, 304). */
  readonly length: number | undefined
}

export interface BodyReader {
  data(chunk: Uint8Array): void
  end(trailers?: readonly string[]): void
  error(error: Error): void
}

export interface StreamListener {
  /** Final response headers (1xx are swallowed). */
  response(response: WireResponse): void
  /** The stream ended before its time: before headers, or after them (then the body's reader gets an error as well). */
  reset(reason: ResetReason, error: Error): void
  /** Request and response are over in good order, the body fully received. */
  complete(): void
  /**
   * The connection, which served others before, was closed or left (GOAWAY) by its peer before anything of the request was written:
   * nothing more is reported, and the request may go on another connection. Without this it is a reset, `connection_termination`.
   */
  unsent?(): void
}

export interface Stream {
  /** Gives the exchange up. The listener hears nothing more. HTTP/1.1 closes the connection. */
  cancel(error?: Error): void
}
