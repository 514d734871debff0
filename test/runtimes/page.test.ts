/** docs/runtimes.md names the versions that test:runtimes runs. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const { dependencies } = JSON.parse(read('test/runtimes/package.json')) as { dependencies: Record<string, string> }
const page = read('docs/runtimes.md')

test.each([
  ['Node 22', 'node-22'],
  ['Node 24', 'node-24'],
  ['Node 26', 'node-26'],
  ['Deno', 'deno'],
  ['Bun', 'bun'],
  ['workerd (Cloudflare Workers)', 'workerd'],
])('%s', (runtime, name) => {
  expect(page).toContain(`| ${runtime} | ${dependencies[name]!.replace('npm:node@', '')} |`)
})

test.each(['webpack', 'rollup'])('%s', name => {
  expect(page.toLowerCase()).toContain(`${name} ${dependencies[name]}`)
})
