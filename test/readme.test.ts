/** The README's blocks run as written. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as meshless from '../src/index.ts'
import * as policies from '../src/policies/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(m => m[1]!)

test('has blocks', () => expect(blocks.length).toBe(2))

test.each(blocks)('block %#', async block => {
  const printed: string[] = []
  const from: Record<string, object> = { meshless, 'meshless/policies': policies }
  const code = block.replace(/import (\{[^}]+\}) from '([^']+)'/g, (_, names, name) => `const ${names} = from[${JSON.stringify(name)}]`)
  const run = new Function('from', 'console', `return (async () => {${code}})()`)
  await run(from, { log: (...all: unknown[]) => printed.push(all.join(' ')) })
  const wanted = [...block.matchAll(/\/\/ => (.*)$/gm)].map(m => m[1]!)
  expect(wanted.length).toBeGreaterThan(0)
  expect(printed).toEqual(wanted)
})
