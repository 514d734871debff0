// Writes the options in dist/*.d.ts out as interfaces, with what their descriptions say: see declarations/option-interfaces.mjs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import { differences } from './declarations/check.mjs'
import { descriptions } from './declarations/descriptions.mjs'
import { optionInterfaces } from './declarations/option-interfaces.mjs'
import { prune } from './declarations/prune.mjs'

const dist = path.resolve('dist').replaceAll(path.sep, '/')
const described = await descriptions(process.cwd())
const files = new Map()
for (const name of readdirSync(dist, { recursive: true }).map(String)) {
  if (!name.endsWith('.d.ts')) continue
  const file = path.posix.join(dist, name.replaceAll(path.sep, '/'))
  files.set(file, optionInterfaces(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true), described))
}

const wrong = differences(files)
if (wrong.length > 0) {
  console.error(`declarations: the interfaces are not what the descriptions say\n${wrong.join('\n')}`)
  process.exit(1)
}
const isChunk = file => /-[\w-]{8}\.d\.ts$/.test(file)
const pruned = prune(new Map([...files].map(([file, { text }]) => [file, text])), file => !isChunk(file))
for (const [file, text] of pruned) {
  const left = /.*\b(?:InputOf|OptionsOf)\b.*/.exec(text)
  if (left !== null) throw new Error(`${file}: no interface stands for ${left[0].trim()}`)
  writeFileSync(file, text)
}
