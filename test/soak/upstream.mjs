// An upstream of the soak in a process of its own, so that it can be killed: `upstream.mjs PORT`. It says which port it has.
import http from 'node:http'

const server = http.createServer((request, response) => {
  request.on('error', () => {})
  response.on('error', () => {})
  request.resume()
  if (request.url === '/hang') return // no response
  if (request.url === '/endless') {
    // A body below 64 kB that never ends.
    response.writeHead(200, { 'content-length': '50000' })
    response.write('begun')
    return
  }
  request.on('end', () => {
    if (request.url === '/fail') response.writeHead(503).end()
    else if (request.url === '/large') response.end(Buffer.alloc(200_000))
    else response.end('fine')
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send(server.address().port))
process.on('disconnect', () => process.exit())
