/** A program may put others in the place of fetch and its classes, also ours: we go on with what the platform had at first. */
import { afterEach, expect, test } from 'vitest'
import { createMesh } from '../../../src/index.ts'
import { startComparison } from './compare.ts'

const peers = startComparison()
const originals = { ...pick() }
afterEach(() => Object.assign(globalThis, originals))

/** Node's own fetch looks up more of its globals at each call (URL, Blob): to replace those badly breaks it, too. */
function pick() {
  const { fetch, Request, Response, Headers, FormData } = globalThis
  return { fetch, Request, Response, Headers, FormData }
}

test('globalThis.fetch = mesh.fetch: data: and blob: are still the platform’s', async () => {
  globalThis.fetch = peers.mesh.fetch
  expect(await (await fetch('data:,x')).text()).toBe('x')
  const url = URL.createObjectURL(new Blob(['blob']))
  expect(await (await fetch(new URL(url))).text()).toBe('blob')
  expect(await (await fetch(new Request('data:,request'))).text()).toBe('request')
  URL.revokeObjectURL(url)
})

test.each(['about:blank', 'file:///etc/passwd', 'gopher://x/', 'blob:nowhere'])(
  'globalThis.fetch = mesh.fetch: %s fails as before',
  async url => {
    const expected = await originals.fetch(url).catch(error => error)
    globalThis.fetch = (...args) => peers.mesh.fetch(...args)
    await expect(fetch(url)).rejects.toMatchObject({ message: expected.message, cause: { message: expected.cause.message } })
  },
)

test('a closed mesh does not send through another mesh that took the place of fetch', async () => {
  globalThis.fetch = peers.mesh.fetch
  const mesh = createMesh({ meshConfig: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } })
  globalThis.fetch = mesh.fetch
  expect((await fetch(`${peers.server.origin}/echo`)).status).toBe(502)
  await mesh.close()
  expect((await fetch(`${peers.server.origin}/echo`)).status).toBe(200)
})

test('classes that were replaced, badly', async () => {
  class Useless {
    constructor() {
      throw new Error('useless')
    }
  }
  const form = new FormData()
  form.set('a', 'b')
  const request = new Request(`${peers.server.origin}/echo`, { method: 'POST', body: 'request' })
  for (const name of Object.keys(originals)) if (name !== 'fetch') (globalThis as any)[name] = Useless
  const { fetch } = peers.mesh
  const at = peers.server.origin
  const posted = await fetch(`${at}/echo`, { method: 'POST', body: form, mode: 'cors', cache: 'no-store', referrer: `${at}/page` })
  expect([posted.status, posted.headers.get('x-one'), await posted.text()]).toEqual([200, 'a', 'hello, wörld'])
  const redirected = await fetch(`${at}/302`)
  expect([redirected.url, (await redirected.blob()).size]).toEqual([`${at}/echo?x=1`, 13])
  expect((await (await fetch(`${at}/gzip`)).clone().arrayBuffer()).byteLength).toBe(13)
  expect((await (await fetch(request)).body!.getReader().read()).done).toBe(false)
})
