/** The admin API over real sockets: bound to the loopback, bodies bounded, streams ended. */
import http from 'node:http'
import net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { all, service, virtual } from '../../mesh/documents.ts'

const TOKEN = '0123456789abcdef'
let mesh: Mesh | undefined
afterEach(() => mesh?.close())
const start = async (options = {}) => {
  mesh = createMesh({ rules: service('a') })
  return { mesh, admin: await mesh.admin({ token: TOKEN, ...options }) }
}
const ask = (url: string, options: http.RequestOptions = {}, body?: string) =>
  new Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }>((resolve, reject) => {
    const request = http.request(url, options, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    request.on('error', reject)
    request.end(body)
  })

/** Sends bytes as they are and resolves with all that comes back. */
const raw = (port: number, bytes: string) =>
  new Promise<string>(resolve => {
    let text = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      text += data
      if (text.includes('\r\n\r\n')) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })

describe('the admin server', () => {
  test('answers JSON, allows no other origin, and ends with the mesh', async () => {
    const { mesh, admin } = await start()
    expect(admin.url).toBe(`http://127.0.0.1:${admin.port}`)
    const { status, headers, text } = await ask(`${admin.url}/snapshot`, { headers: { origin: 'http://evil.example' } })
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'application/json', 'no-store'])
    expect(Object.keys(headers).filter(h => h.startsWith('access-control'))).toEqual([])
    expect(JSON.parse(text).version).toBe(1)
    expect((await ask(`${admin.url}/snapshot`, { headers: { host: 'evil.example' } })).status).toBe(421)
    expect((await ask(`${admin.url}/rules`, { method: 'OPTIONS' })).status).toBe(405)
    expect((await ask(`${admin.url}/snapshot`, { method: 'HEAD' })).text).toBe('')
    await mesh.close()
    await expect(ask(`${admin.url}/snapshot`)).rejects.toThrow(/ECONNREFUSED|hang up/)
  })

  test('reads no body beyond its bound', async () => {
    const { admin } = await start({ maxBodyBytes: 100 })
    const headers = { authorization: `Bearer ${TOKEN}` }
    const { status, text } = await ask(`${admin.url}/rules`, { method: 'PUT', headers }, 'x'.repeat(101))
    expect([status, JSON.parse(text).error.code]).toEqual([413, 'body-too-large'])
  })

  test.each(['GET // HTTP/1.1', 'GET //[ HTTP/1.1', 'GET http:// HTTP/1.1', 'OPTIONS * HTTP/1.1', 'GET /%ff HTTP/1.1'])(
    'answers %s and lives on',
    async line => {
      const { admin } = await start()
      expect(await raw(admin.port, `${line}\r\nhost: localhost\r\nconnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect((await ask(`${admin.url}/snapshot`)).status).toBe(200)
    },
  )

  test('refuses a long body while it is still coming, and reads none that may not be sent', async () => {
    const { admin } = await start()
    const chunk = 'x'.repeat(1000)
    const send = (head: string) =>
      raw(admin.port, `${head}\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n${`3e8\r\n${chunk}\r\n`.repeat(40)}`)
    expect(await send('POST /explain HTTP/1.1')).toMatch(/^HTTP\/1\.1 413 /)
    expect(await send('PUT /rules HTTP/1.1')).toMatch(/^HTTP\/1\.1 401 /)
    expect(await send('POST /explain HTTP/1.1\r\norigin: http://evil.example')).toMatch(/^HTTP\/1\.1 403 /)
  })

  test('cuts a client of events that does not read, and counts it', async () => {
    const { mesh, admin } = await start()
    const socket = net.connect(admin.port, '127.0.0.1', () => socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n'))
    const closed = new Promise(resolve => socket.on('close', resolve))
    socket.on('error', () => {})
    await new Promise(resolve => socket.once('data', resolve))
    socket.pause()
    const events = async () => JSON.parse((await ask(admin.url)).text).events
    expect(await events()).toEqual({ open: 1, dropped: 0 })
    // Each refused set is an event of a few kilobytes; what the system buffers comes first.
    const wrong = all(...Array.from({ length: 100 }, (_, i) => virtual(`v${i}`, '[{ timeout: soon }]')))
    for (let i = 0; i < 400 && (await events()).open === 1; i++) await mesh.apply(wrong)
    expect(await events()).toEqual({ open: 0, dropped: 1 })
    socket.resume()
    await closed
  })

  test('bounds clients of events, and what is pipelined behind one', async () => {
    const { admin } = await start()
    const sockets = await Promise.all(
      Array.from({ length: 32 }, async () => {
        const socket = net.connect(admin.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n')
        await new Promise(resolve => socket.once('data', resolve))
        return socket
      }),
    )
    expect((await ask(`${admin.url}/events`)).status).toBe(503)
    expect((await ask(`${admin.url}/events`, { method: 'HEAD' })).status).toBe(200)
    const cut = new Promise(resolve => sockets[0]!.on('close', resolve))
    sockets[0]!.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(10))
    await cut
    for (const socket of sockets) socket.destroy()
    const open = async (): Promise<number> => JSON.parse((await ask(admin.url)).text).events.open
    while ((await open()) > 0) await new Promise(resolve => setImmediate(resolve))
  })

  test('sends events as they happen', async () => {
    const { mesh, admin } = await start()
    const seen = new Promise<string>((resolve, reject) => {
      const request = http.get(`${admin.url}/events`, response => {
        let text = ''
        response.on('data', chunk => {
          text += chunk
          if (text.includes('event: hello') && !text.includes('event: applied')) mesh.apply(service('b'))
          if (text.includes('event: applied') && text.endsWith('\n\n')) {
            request.destroy()
            resolve(text)
          }
        })
      })
      request.on('error', reject)
    })
    expect(await seen).toContain('event: applied\ndata: {"version":2,')
  })

  test('does not outlive its mesh, whenever that ends', async () => {
    const { mesh } = await start()
    const [starting] = await Promise.allSettled([mesh.admin(), mesh.close()])
    if (starting.status === 'fulfilled') await expect(ask(starting.value.url)).rejects.toThrow(/ECONNREFUSED|hang up/)
    await expect(mesh.admin()).rejects.toThrow('mesh.admin: the mesh is closed')
  })

  test.each([
    [{ token: 'short' }, /token: expected at least 16/],
    [{ port: 70_000 }, /port: 70000 is out of range/],
  ])('%j is refused', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message)
  })
})
