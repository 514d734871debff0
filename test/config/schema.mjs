// Writes what is made from the descriptions of the rules: the JSON Schema (where editors look for it in the package), types and tables of the docs into the sources.
//   node test/config/schema.mjs            only rules.schema.json (part of the build)
//   node test/config/schema.mjs --sources  also src/rules/istio/types.ts and the tables in docs/rules
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const { outputFiles } = await build({
  stdin: {
    contents: `export { rulesJsonSchema } from './src/rules/istio/schema/publish/json-schema.ts'
export { rulesTypes } from './src/rules/istio/schema/publish/types.ts'
export { rulesPage } from './test/config/rules-pages.ts'`,
    resolveDir: process.cwd(),
    loader: 'ts',
  },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
})
const made = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)

writeFileSync('rules.schema.json', `${JSON.stringify(made.rulesJsonSchema(), null, 1)}\n`)
if (process.argv.includes('--sources')) {
  writeFileSync('src/rules/istio/types.ts', made.rulesTypes())
  for (const page of readdirSync('docs/rules')) {
    if (!page.endsWith('.md')) continue
    const path = `docs/rules/${page}`
    writeFileSync(path, made.rulesPage(readFileSync(path, 'utf8')))
  }
}
