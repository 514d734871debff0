/**
 * fetch and its classes as the platform made them, taken when this module is loaded. A program may put
 * others in their place later, such as ours (`globalThis.fetch = mesh.fetch`): what falls back on the
 * platform must then not find itself, and a half-finished replacement must not change what we build.
 */
export const platformFetch: typeof globalThis.fetch = globalThis.fetch
export const PlatformRequest: typeof globalThis.Request = globalThis.Request
export const PlatformResponse: typeof globalThis.Response = globalThis.Response
export const PlatformHeaders: typeof globalThis.Headers = globalThis.Headers
export const PlatformFormData: typeof globalThis.FormData = globalThis.FormData
export const PlatformBlob: typeof globalThis.Blob = globalThis.Blob
export const PlatformFile: typeof globalThis.File = globalThis.File
export const PlatformReadableStream: typeof globalThis.ReadableStream = globalThis.ReadableStream
export const PlatformAbortSignal: typeof globalThis.AbortSignal = globalThis.AbortSignal
export const PlatformURLSearchParams: typeof globalThis.URLSearchParams = globalThis.URLSearchParams
export const PlatformURL: typeof globalThis.URL = globalThis.URL

const ours = new WeakSet<typeof fetch>()

/** Remembers a fetch that is made over the platform's, so that it is not taken for it. */
export function markAsOurs<F extends typeof fetch>(fetch: F): F {
  ours.add(fetch)
  return fetch
}

/** The fetch that the program has now, with what tracers and mocks made of it; the platform's when it is one of ours. */
export const currentFetch = (): typeof fetch => (ours.has(globalThis.fetch) ? platformFetch : globalThis.fetch)

const GLOBAL_ORIGIN: unique symbol = Symbol.for('undici.globalOrigin.1') as any

/** The origin that undici's `setGlobalOrigin` gave this process, which Node's fetch honours too. */
export function globalOrigin(): URL | undefined {
  return (globalThis as { [GLOBAL_ORIGIN]?: URL })[GLOBAL_ORIGIN]
}
