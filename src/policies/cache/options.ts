/** Options of the cache, as code writes them. Described in core/schema/policies, where documents find them too; the hooks are for code only. */
import type { Call } from '../../core/call.ts'
import { hook, type InputOf, type OptionsOf, readOptions } from '../../core/schema/index.ts'
import { cacheFields as shared } from '../../core/schema/policies/cache.ts'

export const cacheFields = {
  ...shared,
  key: hook<(call: Call) => string | undefined>(
    'What the call asks for; `undefined`: this call is not cached. Default: the function and its arguments, when all are plain values.',
  ),
  vary: hook<(call: Call) => unknown>('What else the answer depends on; made part of the key as text.'),
  cacheable: hook<(result: any) => boolean>('Whether a result may be kept. Default: every one but `undefined`.'),
  sizeOf: hook<(result: any) => number>(
    'Bytes of a result, for `maxBytes`. Default: text by two bytes a character, buffers by their length, other things by their JSON.',
  ),
} as const

/** What a user writes. `R` is what the hooks accept as a result. */
export type CacheOptions<R = unknown> = Omit<InputOf<typeof cacheFields>, 'cacheable' | 'sizeOf'> & {
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
