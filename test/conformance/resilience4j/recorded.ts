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

/** The traces that a page of docs/policies names in the row of a bug that begins so, e.g. `E21:`. */
export function namedInDocs(page: string, bug: string): string[] {
  const text = readFileSync(new URL(`../../../docs/policies/${page}`, import.meta.url), 'utf8')
  const row = text.split('\n').find(line => line.startsWith(`| ${bug}`))
  const named = /\| `([^`]+)` \|$/.exec(row ?? '')
  return named === null ? [] : named[1]!.split(' ').sort()
}
