/** Options of the cache, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { CallOptions, CallView } from '../../core/call.ts'
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { cacheFields } from '../../core/schema/policies/cache.ts'

export { cacheFields } from '../../core/schema/policies/cache.ts'

/** What a key is made of: the call as its caller described it, and the arguments when a wrapped function was called. */
export type CachedCall = CallView & Omit<CallOptions, 'signal' | 'deadline'> & { readonly args: readonly unknown[] | undefined }

/** What a user writes. `R` is what the hooks accept as a result. */
export type CacheOptions<R = unknown> = Omit<InputOf<typeof cacheFields>, 'key' | 'vary' | 'cacheable' | 'sizeOf'> & {
  key?: ((call: CachedCall) => string | undefined) | undefined
  vary?: ((call: CachedCall) => unknown) | undefined
  cacheable?: ((result: R) => boolean) | undefined
  sizeOf?: ((result: R) => number) | undefined
}

export type CacheSettings = Omit<OptionsOf<typeof cacheFields>, 'maxBytes'> & { readonly maxBytes: number }

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readCacheOptions(options: CacheOptions<any>): CacheSettings {
  const settings = readOptions(cacheFields, options, 'cache')
  return { ...settings, maxBytes: bytes(settings.maxBytes) }
}

const FACTORS: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9 }

function bytes(size: number | string): number {
  if (typeof size === 'number') return size
  const [, value, unit] = /^([\d.]+)(.*)$/.exec(size)!
  return Math.floor(Number(value) * (FACTORS[unit!] ?? 1))
}
