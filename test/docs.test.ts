/**
 * What the documentation shows is true: every ```js block runs as written and prints what its `// =>` comments say, every options table is
 * the one that the code has, and every link inside the documentation leads somewhere. `UPDATE_DOCS=1 npm test -- test/docs.test.ts` writes
 * the tables anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Fields, optionsTable } from '../src/core/schema/index.ts'
import { runBlock, wanted } from './doc-blocks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const list = (folder: string, ending: string): string[] =>
  (readdirSync(path.join(root, folder), { recursive: true }) as string[])
    .filter(f => f.endsWith(ending) && !f.startsWith('api'))
    .map(f => path.posix.join(folder, f.replaceAll(path.sep, '/')))
const pages = ['README.md', ...list('docs', '.md')]
const text = (page: string) => readFileSync(path.join(root, page), 'utf8')

const blocks = pages.flatMap(page =>
  [...text(page).matchAll(/^```js\n([\s\S]*?)^```/gm)].map((found, i) => ({ name: `${page} block ${i + 1}`, block: found[1]! })),
)

test('there is something to run', () => expect(blocks.length).toBeGreaterThan(1))

test.each(blocks)('$name', async ({ block }) => {
  expect(await runBlock(block)).toEqual(wanted(block))
})

describe('options tables', async () => {
  const sources = ['core', 'policies', 'traffic', 'mesh', 'rules/sources', 'testing'].flatMap(room => list(`src/${room}`, '.ts'))
  const known: Record<string, Fields> = {}
  for (const source of sources) {
    if (!/\w+Fields\b/.test(text(source))) continue
    for (const [name, value] of Object.entries(await import(path.join(root, source))))
      if (name.endsWith('Fields') && typeof value === 'object') known[name.slice(0, -'Fields'.length)] = value as Fields
  }
  const MARKED = /(<!-- options: (\w+) -->\n)([\s\S]*?)(<!-- \/options -->)/g

  test.each(pages)('%s', page => {
    const now = text(page)
    const right = now.replace(MARKED, (_, open: string, name: string, _old, close: string) => {
      expect(known, `${page} shows the options of ${name}, which no file describes`).toHaveProperty(name)
      return `${open}${optionsTable(known[name]!)}\n${close}`
    })
    if (process.env['UPDATE_DOCS']) writeFileSync(path.join(root, page), right)
    else expect(now).toBe(right)
  })
})

test.each(pages)('links of %s lead somewhere', page => {
  for (const [, target] of text(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g))
    expect(existsSync(path.join(root, path.dirname(page), target!)), `${page} links to ${target}`).toBe(true)
})
