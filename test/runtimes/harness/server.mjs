// The upstream of the tests: a server on loopback that does what the path says, for every origin.
import http from 'node:http'

export function startServer() {
  const seen = new Map()
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://x')
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-headers', '*')
    response.setHeader('access-control-allow-methods', '*')
    response.setHeader('access-control-expose-headers', '*')
    if (request.method === 'OPTIONS') return response.end()
    const key = url.searchParams.get('key') ?? ''
    const times = (seen.get(key) ?? 0) + 1
    if (key !== '') seen.set(key, times)
    const chunks = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      if (url.pathname === '/echo')
        return response.end(JSON.stringify({ method: request.method, path: request.url, headers: request.headers, body: String(body) }))
      if (url.pathname === '/status') return response.writeHead(Number(url.searchParams.get('code'))).end('status')
      if (url.pathname === '/second') return response.writeHead(times % 2 === 0 ? 200 : 503).end(String(times))
      if (url.pathname === '/times') return response.end(String(seen.get(url.searchParams.get('of')) ?? 0))
      if (url.pathname === '/counted') return void setTimeout(() => response.end(String(times)), Number(url.searchParams.get('ms')))
      if (url.pathname === '/slow') return void setTimeout(() => response.end('slow'), Number(url.searchParams.get('ms')))
      if (url.pathname === '/large') return response.end(Buffer.alloc(Number(url.searchParams.get('bytes')), 'x'))
      if (url.pathname === '/cut') {
        response.writeHead(200, { 'content-length': '100' })
        response.write('part')
        return void setTimeout(() => response.destroy(), 20)
      }
      if (url.pathname === '/hang') return undefined
      response.writeHead(404).end()
    })
  })
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) }),
    ),
  )
}
