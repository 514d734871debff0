/** Reads HTTP/1.1 requests as strictly as RFC 9112 allows: what a lax reader and a strict one would take for different requests is an error. */

export interface ReadRequest {
  readonly method: string
  readonly target: string
  /** Name in lower case, value, name, value … */
  readonly headers: readonly string[]
  readonly body: string
}

const REQUEST_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.1$/
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/
/** Headers of the connection that nobody but the transport writes, and these not at all. */
const NEVER = ['keep-alive', 'proxy-connection', 'upgrade', 'http2-settings']

/** Takes bytes, as latin1 text, and gives out whole requests. Throws for what is no request, or more than one. */
export class Http1Reader {
  #text = ''

  /** Whether a request has begun and not ended. */
  get isWithinRequest(): boolean {
    return this.#text !== ''
  }

  *read(text: string): Iterable<ReadRequest> {
    this.#text += text
    for (let request = this.#next(); request !== undefined; request = this.#next()) yield request
  }

  #next(): ReadRequest | undefined {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [line, ...lines] = this.#text.slice(0, end).split('\r\n')
    if (!REQUEST_LINE.test(line!)) throw new Error(`no request line: ${JSON.stringify(line)}`)
    const headers = lines.flatMap(text => {
      const found = HEADER_LINE.exec(text)
      if (found === null) throw new Error(`no header line: ${JSON.stringify(text)}`)
      return [found[1]!.toLowerCase(), found[2]!]
    })
    checkFraming(headers)
    const rest = this.#text.slice(end + 4)
    const body = bodyOf(headers, rest)
    if (body === undefined) return undefined
    this.#text = rest.slice(body.size)
    const [method, target] = line!.split(' ')
    return { method: method!, target: target!, headers, body: body.text }
  }
}

export const valuesOf = (headers: readonly string[], name: string): string[] =>
  headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name)

function checkFraming(headers: readonly string[]): void {
  const counts = ['host', 'connection', 'content-length', 'transfer-encoding'].map(name => valuesOf(headers, name).length)
  const [hosts, connections, lengths, codings] = counts as [number, number, number, number]
  if (hosts !== 1 || connections !== 1 || lengths > 1 || codings > 1 || lengths + codings > 1)
    throw new Error(`ambiguous framing: ${JSON.stringify(headers)}`)
  const [length] = valuesOf(headers, 'content-length')
  if (length !== undefined && !/^\d+$/.test(length)) throw new Error(`no length: ${length}`)
  for (const name of NEVER) if (valuesOf(headers, name).length > 0) throw new Error(`${name} is the connection's own`)
}

/** The body and how many characters it takes; `undefined`: it is not all here. */
function bodyOf(headers: readonly string[], rest: string): { text: string; size: number } | undefined {
  if (valuesOf(headers, 'transfer-encoding').length === 0) {
    const size = Number(valuesOf(headers, 'content-length')[0] ?? 0)
    return rest.length < size ? undefined : { text: rest.slice(0, size), size }
  }
  let text = ''
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at)
    if (line < 0) return undefined
    const hex = rest.slice(at, line)
    if (!/^[0-9a-fA-F]+$/.test(hex)) throw new Error(`no chunk size: ${JSON.stringify(hex)}`)
    const size = Number.parseInt(hex, 16)
    const end = line + 2 + size
    if (rest.length < end + 2) return undefined
    if (rest.slice(end, end + 2) !== '\r\n') throw new Error('a chunk without its end')
    text += rest.slice(line + 2, end)
    at = end + 2
    if (size === 0) return { text, size: at }
  }
}
