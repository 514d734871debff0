#!/usr/bin/env bash
# Deno 2.9.6: node:http with a keep-alive agent sends a POST a second time, by itself, when the server closes the kept connection after it
# has read the request. The caller sees one 200 and no error; the server has the body twice. Node (and Bun) fail the request with
# ECONNRESET and leave the decision to the caller: a POST is not idempotent (RFC 9110, 9.2.2).
# Seen: deno "200 200 one,two,two"; node "200 ECONNRESET one,two". Exits non-zero when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > post.mjs <<'CODE'
import http from 'node:http'
import net from 'node:net'

const bodies = []
const server = net.createServer(socket => {
  let served = 0
  socket.on('error', () => {})
  socket.on('data', data => {
    bodies.push(String(data).split('\r\n\r\n')[1])
    if (served++ === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    else socket.destroy() // the request was read, and may have been acted on
  })
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const agent = new http.Agent({ keepAlive: true })
const post = body =>
  new Promise(resolve => {
    const options = { agent, host: '127.0.0.1', port: server.address().port, method: 'POST', headers: { 'content-length': body.length } }
    const request = http.request(options, response => response.resume().on('end', () => resolve(response.statusCode)))
    request.on('error', error => resolve(error.code))
    request.end(body)
  })
console.log(await post('one'), await post('two'), bodies.join())
process.exit()
CODE
echo '{ "private": true, "allowScripts": { "deno": true } }' > package.json
npm install --silent --no-audit --no-fund deno@2.9.6
expect() {
  local name=$1 wanted=$2 seen=$3
  echo "$name: $seen"
  [ "$seen" = "$wanted" ] || { echo "expected: $wanted"; exit 1; }
}
expect "node $(node --version)" '200 ECONNRESET one,two' "$(node post.mjs)"
expect "deno 2.9.6" '200 200 one,two,two' "$(NO_COLOR=1 node_modules/.bin/deno run -A post.mjs)"
