/** Real sockets under fake timers: requests go through meanwhile, and go on doing so when the fakes are gone. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createMesh } from '../../../src/index.ts'

const server = http.createServer((_, response) => response.end('fine'))
let url: string
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => server.close())
afterEach(() => {
  vi.useRealTimers()
})

const ask = async (mesh: ReturnType<typeof createMesh>) => (await mesh.fetch(url)).text()

test.each([
  ["Vitest's choice", undefined],
  [
    "Jest's and Sinon's choice",
    ['setTimeout', 'clearTimeout', 'setImmediate', 'setInterval', 'Date', 'hrtime', 'performance', 'queueMicrotask'] as const,
  ],
])('requests pass while timers are faked, and afterwards: %s', async (_, toFake) => {
  const mesh = createMesh()
  expect(await ask(mesh)).toBe('fine')
  vi.useFakeTimers(toFake === undefined ? {} : { toFake: [...toFake] })
  expect(await Promise.all([ask(mesh), ask(mesh)])).toEqual(['fine', 'fine'])
  vi.useRealTimers()
  expect(await Promise.all([ask(mesh), ask(mesh)])).toEqual(['fine', 'fine'])
  await mesh.close()
})

test('rules are applied while timers are faked', async () => {
  const mesh = createMesh()
  vi.useFakeTimers()
  const many = Array.from({ length: 300 }, (_, i) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: `s${i}` },
    spec: { hosts: [`s${i}.test`], http: [{ directResponse: { status: 200 } }] },
  }))
  expect(await mesh.apply(many as never)).toMatchObject({ accepted: true })
  await mesh.close()
})
