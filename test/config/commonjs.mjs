// Makes the CommonJS half of the package from the ESM half, chunk by chunk, so that both share their shape: one core per format.
// tsup's own way turns modern syntax into helper calls, which costs speed and breaks `yield*`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { transform } from 'esbuild'

const dist = 'dist'
const files = readdirSync(dist, { recursive: true }).map(String)
/** `./x.js` of the package itself becomes `./x.cjs`. */
const renamed = code => code.replace(/((?:from|import|require\()\s*["']\.{1,2}\/[^"']+)\.js(["'])/g, '$1.cjs$2')

for (const file of files) {
  const from = path.join(dist, file)
  if (file.endsWith('.d.ts')) writeFileSync(from.replace(/\.d\.ts$/, '.d.cts'), renamed(readFileSync(from, 'utf8')))
  else if (file.endsWith('.js')) {
    const { code } = await transform(readFileSync(from, 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      supported: { 'dynamic-import': false },
    })
    writeFileSync(from.replace(/\.js$/, '.cjs'), renamed(code))
  }
}
