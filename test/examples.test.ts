/** Each example runs and prints what it says it prints. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'

const folder = fileURLToPath(new URL('../examples', import.meta.url))
const examples = readdirSync(folder).filter(name => name.endsWith('.mjs'))

test.each(examples)('%s', async name => {
  const printed: string[] = []
  const log = vi
    .spyOn(console, 'log')
    .mockImplementation((...all) => void printed.push(all.map(v => (typeof v === 'string' ? v : inspect(v))).join(' ')))
  try {
    await import(path.join(folder, name))
  } finally {
    log.mockRestore()
  }
  expect(printed).toEqual([...readFileSync(path.join(folder, name), 'utf8').matchAll(/\/\/ => (.*)$/gm)].map(m => m[1]))
})
