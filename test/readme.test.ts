/** What README.md links to is in the package, so that its links lead somewhere wherever it is read. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')
const { files } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { files: string[] }
/** npm packs these by itself. */
const ALWAYS = ['README.md', 'LICENSE', 'package.json']
const links = [...new Set(Array.from(readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g), ([, target]) => target!))]

test('README.md has relative links', () => expect(links.length).toBeGreaterThan(10))

test.each(links)('%s is there, and packed', target => {
  expect(existsSync(new URL(target, root))).toBe(true)
  expect([...files, ...ALWAYS].some(entry => target === entry || target.startsWith(`${entry}/`))).toBe(true)
})
