/** Options of the cache, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { CallOptions, CallView } from '../../core/call.ts'
import { type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { cacheFields } from '../../core/schema/policies/cache.ts'

export { cacheFields } from '../../core/schema/policies/cache.ts'

/** What a key is made of: the call as its caller described it, and the arguments when a wrapped function was called. */
export type CachedCall = CallView & Omit<CallOptions, 'signal' | 'deadline'> & { readonly args: readonly unknown[] | undefined }

/** Options of `cache`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type CacheOptions<R = unknown> = Omit<InputOf<typeof cacheFields>, 'key' | 'vary' | 'cacheable' | 'sizeOf'> & {
  key?: ((call: CachedCall) => string | undefined) | undefined
  vary?: ((call: CachedCall) => unknown) | undefined
  cacheable?: ((result: R) => boolean) | undefined
  sizeOf?: ((result: R) => number) | undefined
}

export type CacheSettings = OptionsOf<typeof cacheFields>

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readCacheOptions(options: CacheOptions<any>): CacheSettings {
  return readOptions(cacheFields, options, 'cache')
}
