/** Sizes in bytes as Kubernetes writes them: a number, or digits with `k M G` (thousands) or `Ki Mi Gi` (1024s). */

/** Bytes: a whole number, or text such as `'1Mi'`, `'64Ki'`, `'500k'`. */
export type Size = number | string

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, Ki: 1024, Mi: 1_048_576, Gi: 1_073_741_824 }

/** The number of bytes; `undefined` when the text is no size. */
export function parseSize(size: Size): number | undefined {
  if (typeof size === 'number') return Number.isInteger(size) && size >= 0 ? size : undefined
  const found = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?$/.exec(size)
  if (found === null) return undefined
  const bytes = Number(found[1]) * UNITS[found[2] ?? '']!
  return Number.isInteger(bytes) && Number.isSafeInteger(bytes) ? bytes : undefined
}
