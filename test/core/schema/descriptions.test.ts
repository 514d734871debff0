/** Descriptions feed editors, tables and the JSON Schema: each says what its option means, and what holds when nothing is written. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Fields, Option } from '../../../src/core/schema/index.ts'

const root = fileURLToPath(new URL('../../../src', import.meta.url))
const sources = (readdirSync(root, { recursive: true }) as string[]).filter(
  file => file.endsWith('.ts') && /export const \w+Fields\b/.test(readFileSync(path.join(root, file), 'utf8')),
)

function* options(of: Fields, prefix: string): Generator<[name: string, option: Option]> {
  for (const [key, option] of Object.entries(of)) {
    yield [`${prefix}.${key}`, option]
    for (const form of [option, option.items, ...(option.of ?? [])]) if (form?.fields) yield* options(form.fields, `${prefix}.${key}`)
  }
}

/** Says what holds without the option, or that another stands for it. */
const SAYS_DEFAULT = /default|without (it|one)|either|instead|another name|older name/i

test.each(sources)('%s', async source => {
  const poor: string[] = []
  for (const [name, fields] of Object.entries(await import(path.join(root, source)))) {
    if (!name.endsWith('Fields')) continue
    for (const [option, { text, default: value, required }] of options(fields as Fields, name.slice(0, -'Fields'.length))) {
      if (!/^\S.*\.$/s.test(text)) poor.push(`${option} has no sentence: ${JSON.stringify(text)}`)
      if (value === undefined && !required && !SAYS_DEFAULT.test(text)) poor.push(`${option} does not say what holds without it: ${text}`)
    }
  }
  expect(poor).toEqual([])
})
