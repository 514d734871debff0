#!/usr/bin/env bash
# axios-retry 4.5.0 with its defaults ("retry if it is a network error or a 5xx error on an idempotent request") sends a POST up to three
# more times when the connection is reset after the server has read it: "idempotent" holds for the statuses only, not for network errors,
# and ECONNRESET is one whether or not the request arrived. A POST that is answered with 503 is not sent again.
# Seen: "reset: 4 ECONNRESET" and "unavailable: 1 ERR_BAD_RESPONSE" (requests, code). Exits non-zero when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > post.mjs <<'CODE'
import http from 'node:http'
import axios from 'axios'
import axiosRetry from 'axios-retry'

let requests = 0
const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    requests++ // it was read to its end, and may have been acted on
    if (request.url === '/reset') request.socket.resetAndDestroy()
    else response.writeHead(503).end()
  })
})
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const client = axios.create({ baseURL: `http://127.0.0.1:${server.address().port}`, proxy: false })
axiosRetry(client)
for (const path of ['/reset', '/unavailable']) {
  requests = 0
  const { code } = await client.post(path, { order: 1 }).catch(error => error)
  console.log(`${path.slice(1)}: ${requests} ${code}`)
}
server.close()
CODE
echo '{ "private": true }' > package.json
npm install --silent --no-audit --no-fund axios@1.21.1 axios-retry@4.5.0
seen=$(node post.mjs)
echo "$seen"
[ "$seen" = "$(printf 'reset: 4 ECONNRESET\nunavailable: 1 ERR_BAD_RESPONSE')" ]
