/** Runs what the documentation shows: a block of JavaScript as a module would, and what it printed. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

const source = fileURLToPath(new URL('../src', import.meta.url))
const ENTRIES: Record<string, string> = { '': 'index.ts', '/policies': 'policies/index.ts', '/testing': 'testing/index.ts' }

async function load(name: string): Promise<object> {
  const own = /^meshless(\/.*)?$/.exec(name)
  if (own === null) return import(name)
  const entry = ENTRIES[own[1] ?? '']
  if (entry === undefined) throw new Error(`${name} is not an entry of the package`)
  return import(path.join(source, entry))
}

/** `scope`: names that the block need not import. */
export async function runBlock(block: string, scope: Readonly<Record<string, unknown>> = {}): Promise<string[]> {
  const printed: string[] = []
  const print = (...all: unknown[]) =>
    printed.push(all.map(v => (typeof v === 'string' ? v : inspect(v, { breakLength: Infinity, depth: 6 }))).join(' '))
  const code = block
    .replace(/^import \* as (\w+) from '([^']+)'$/gm, (_, all, name) => `const ${all} = await load('${name}')`)
    .replace(/^import (\w+) from '([^']+)'$/gm, (_, main, name) => `const { default: ${main} } = await load('${name}')`)
    .replace(/^import (\{[^}]+\}) from '([^']+)'$/gm, (_, names, name) => `const ${names.replaceAll(' as ', ': ')} = await load('${name}')`)
  const names = Object.keys(scope)
  const run = new Function('load', 'console', ...names, `return (async () => {${code}\n})()`)
  await run(load, { log: print, error: print, warn: print }, ...names.map(name => scope[name]))
  return printed
}

/** What a block says that it prints. */
export const wanted = (block: string): string[] => [...block.matchAll(/\/\/ => (.*)$/gm)].map(found => found[1]!)
