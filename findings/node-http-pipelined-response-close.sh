#!/usr/bin/env bash
# node:http: a response that waits behind another one on a pipelined connection never emits
# 'close' when the client goes, on Node 20 and 22; on Node 24 it does. The event is documented for
# every response whose connection ends early, so a server that stops an event stream, an upstream
# call or a timer in response.on('close') keeps it for ever on the older lines. The socket's own
# 'close', and the request's, are emitted on all of them.
#
# Exits with 1 when one of the pinned versions behaves otherwise.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > server.mjs <<'SERVER'
import http from 'node:http'
import net from 'node:net'

const seen = []
const server = http.createServer((request, response) => {
  const name = request.url
  response.on('close', () => seen.push(`response ${name}`))
  request.on('close', () => seen.push(`request ${name}`))
  // An answer without an end, such as text/event-stream: what was pipelined waits behind it.
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: 1\n\n')
})
server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1')
  client.write('GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n')
  client.once('data', () => setTimeout(() => client.destroy(), 100))
})
server.on('connection', socket => {
  socket.on('close', () => setTimeout(() => {
    console.log(seen.sort().join(', '))
    process.exit()
  }, 300))
})
SERVER

failed=0
check() {
  local version=$1 expected=$2 output
  npm install --silent --no-save --no-audit --no-fund --prefix "node-$version" "node@$version" > /dev/null
  output=$("node-$version/node_modules/node/bin/node" server.mjs)
  echo "node $version, 'close' was emitted by: $output"
  if [ "$output" != "$expected" ]; then
    echo "  expected: $expected"
    failed=1
  fi
}

check 20.20.2 'request /1, request /2, response /1'
check 22.23.3 'request /1, request /2, response /1'
check 24.21.0 'request /1, request /2, response /1, response /2'
exit "$failed"
