/** The admin API over real sockets: bound to the loopback, bodies bounded, streams ended. */
import http from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { createMesh, type Mesh } from '../../../src/index.ts'
import { service } from '../../mesh/documents.ts'

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

  test.each([
    [{ token: 'short' }, /token: expected at least 16/],
    [{ port: 70_000 }, /port: 70000 is out of range/],
  ])('%j is refused', async (options, message) => {
    await expect(start(options)).rejects.toThrow(message)
  })
})
