/** A loopback server for comparisons: it says what it was asked, and answers as its path says. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import zlib from 'node:zlib'

export interface Seen {
  method: string
  url: string
  headers: string[]
  body: string
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

const text = 'hello, wörld'
const coded =
  (encoding: string, bytes: Buffer): Answer =>
  (_q, r) =>
    r.writeHead(200, { 'content-encoding': encoding, 'content-type': 'text/plain' }).end(bytes)
const redirect =
  (status: number, location?: string): Answer =>
  (_q, r) =>
    r.writeHead(status, location === undefined ? {} : { location }).end('moved')

/** What each path answers. */
export const answers: Record<string, Answer> = {
  '/echo': (_q, r) =>
    r
      .writeHead(200, 'Fine', { 'content-type': 'text/plain', 'x-one': 'a', 'X-Two': ['b', 'c'], 'set-cookie': ['k=1', 'l=2; Path=/'] })
      .end(text),
  '/json': (_q, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('{"a":[1,2,{"b":null}]}'),
  '/badjson': (_q, r) => r.end('{"a":'),
  '/bom': (_q, r) => r.end(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"a":1}')])),
  '/form': (_q, r) => r.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' }).end('a=1&b=two+words&a=3'),
  '/multipart': (_q, r) =>
    r
      .writeHead(200, { 'content-type': 'multipart/form-data; boundary=x' })
      .end(
        '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\ncontent-disposition: form-data; name="f"; filename="n.txt"\r\ncontent-type: text/plain\r\n\r\nfile\r\n--x--\r\n',
      ),
  '/empty': (_q, r) => r.end(),
  '/latin': (_q, r) => r.setHeader('x-latin', 'caf\u00e9').end('x'),
  '/binary': (_q, r) => r.end(Buffer.from([0, 255, 128, 10, 13])),
  '/chunked': (_q, r) => {
    r.write('one ')
    r.write('two ')
    r.end('three')
  },
  '/large': (_q, r) => r.end(Buffer.alloc(300_000, 'abc')),
  '/gzip': coded('gzip', zlib.gzipSync(text)),
  '/x-gzip': coded('X-GZIP', zlib.gzipSync(text)),
  '/deflate': coded('deflate', zlib.deflateSync(text)),
  '/deflate-raw': coded('deflate', zlib.deflateRawSync(text)),
  '/br': coded('br', zlib.brotliCompressSync(text)),
  '/stack': coded('deflate, gzip , br', zlib.brotliCompressSync(zlib.gzipSync(zlib.deflateSync(text)))),
  '/unknown-coding': coded('lzma', Buffer.from(text)),
  '/half-known': coded('gzip, lzma', Buffer.from(text)),
  '/identity': coded('identity', Buffer.from(text)),
  '/six': coded('gzip, gzip, gzip, gzip, gzip, gzip', Buffer.from(text)),
  '/truncated-gzip': coded('gzip', zlib.gzipSync(text.repeat(1000)).subarray(0, 60)),
  '/truncated-br': coded(
    'br',
    zlib.brotliCompressSync(Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251))).subarray(0, 200),
  ),
  '/bad-gzip': coded('gzip', Buffer.from('this is no gzip at all')),
  '/empty-gzip': coded('gzip', Buffer.alloc(0)),
  '/gzip-large': coded('gzip', zlib.gzipSync(Buffer.alloc(500_000, 'abcdefgh'))),
  '/204': (_q, r) => r.writeHead(204).end(),
  '/205': (_q, r) => r.writeHead(205).end(),
  '/304': (_q, r) => r.writeHead(304, { etag: '"x"' }).end(),
  '/404': (_q, r) => r.writeHead(404, { 'content-type': 'text/plain' }).end('no'),
  '/500': (_q, r) => r.writeHead(500).end('oops'),
  '/599': (_q, r) => r.writeHead(599, 'Odd').end('odd'),
  '/700': (_q, r) => r.writeHead(700, 'Odder').end('odder'),
  '/reason': (_q, r) => r.writeHead(201, 'Just Made').end('x'),
  '/hints': (_q, r) => {
    r.writeEarlyHints({ link: '</a>; rel=preload' })
    r.end('after')
  },
  '/301': redirect(301, '/echo'),
  '/302': redirect(302, '/echo?x=1#there'),
  '/303': redirect(303, '/echo'),
  '/307': redirect(307, '/echo'),
  '/308': redirect(308, '/echo'),
  '/300': redirect(300, '/echo'),
  '/none': redirect(302),
  '/ftp': redirect(302, 'ftp://127.0.0.1/x'),
  '/data': redirect(302, 'data:text/plain,x'),
  '/bad-location': redirect(302, 'http://[oops'),
  '/utf8-location': (_q, r) => {
    r.writeHead(302, { location: Buffer.from('/echo?ü').toString('latin1') }).end()
  },
  '/loop': redirect(302, '/loop'),
  '/early-413': (_q, r) => r.writeHead(413, { connection: 'close' }).end('too much'),
}
for (let i = 0; i <= 20; i++) answers[`/hop${i}`] = redirect(302, i === 0 ? '/echo' : `/hop${i - 1}`)

export interface Loopback {
  readonly origin: string
  readonly port: number
  /** Every request in order. */
  readonly seen: Seen[]
  close(): Promise<void>
}

/** Starts a server. */
export async function loopback(more: Record<string, Answer> = {}): Promise<Loopback> {
  const seen: Seen[] = []
  const table = { ...answers, ...more }
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    response.on('error', () => {})
    request.on('data', chunk => chunks.push(chunk))
    const finish = () => {
      const body = Buffer.concat(chunks)
      seen.push({ method: request.method!, url: request.url!, headers: request.rawHeaders, body: body.toString('latin1') })
      const answer = table[new URL(request.url!, 'http://x').pathname]
      if (answer === undefined) response.writeHead(404).end('unknown path')
      else answer(request, response, body)
    }
    if (request.url === '/early-413') finish()
    else request.on('end', finish)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
