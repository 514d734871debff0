// One bookinfo service as a process of its own, with its own mesh. It is told what to be by the environment and answers on a free loopback port.
import http from 'node:http'
import { createMesh } from '../../dist/index.js'

const name = process.env.SERVICE
const version = process.env.VERSION ?? 'v1'
const calls = (process.env.CALLS ?? '').split(',').filter(Boolean)
const propagated = ['x-canary', 'end-user']

let mesh
let behaviour = { status: 200, delay: 0 }

const server = http.createServer(async (request, response) => {
  const mine = behaviour
  if (mine.delay > 0) await new Promise(resolve => setTimeout(resolve, mine.delay))
  const answer = { service: name, version, calls: [] }
  if (mine.status === 200 && mesh)
    for (const host of calls) {
      const headers = Object.fromEntries(propagated.filter(h => request.headers[h] !== undefined).map(h => [h, request.headers[h]]))
      try {
        const reply = await mesh.fetch(`http://${host}:9080/${host}`, { headers })
        answer.calls.push(reply.ok ? await reply.json() : { service: host, status: reply.status, error: await reply.text() })
      } catch (error) {
        answer.calls.push({ service: host, error: String(error) })
      }
    }
  response.writeHead(mine.status, { 'content-type': 'application/json', 'x-service': name, 'x-version': version })
  response.end(JSON.stringify(answer))
})
server.keepAliveTimeout = 30_000

process.on('message', async message => {
  if (message.rules !== undefined) {
    if (mesh) await mesh.apply(message.rules)
    else mesh = createMesh({ rules: message.rules, workload: { namespace: 'default', labels: { app: name, version } } })
    await mesh.ready({ timeout: '5s' })
  }
  if (message.behaviour !== undefined) behaviour = { status: 200, delay: 0, ...message.behaviour }
  process.send({ done: message.id })
})
process.on('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
