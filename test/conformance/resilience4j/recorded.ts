/** Recordings beside the tests that replay them. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A recording of this folder, e.g. `bulkhead.json.gz`. */
export function recorded(file: string): any {
  const bytes = readFileSync(new URL(`./${file}`, import.meta.url))
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
}

/** Lets every promise that can settle do so. */
export const settled = () => new Promise<void>(resolve => setImmediate(resolve))
