/** The table of docs/differences.md: which steps of which scenarios differ from a real Envoy on purpose. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

let read: Map<string, number[]> | undefined

/** Scenario -> steps. */
export function listedDifferences(): ReadonlyMap<string, number[]> {
  if (read === undefined) {
    const text = readFileSync(fileURLToPath(new URL('../../../docs/differences.md', import.meta.url)), 'utf8')
    read = new Map()
    for (const [, name, steps] of text.matchAll(/^\| `([a-z0-9-]+\/[a-z0-9-]+)` \| ([\d, ]+) \|/gm))
      read.set(name!, steps!.split(',').map(Number))
  }
  return read
}
