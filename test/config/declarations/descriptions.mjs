// The descriptions of all options, with the texts that the built package has no more.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { build } from 'esbuild'

/** Every `…Fields` of the sources, and the blocks of a ResiliencePolicy, by name. */
export async function descriptions(root) {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true })
    .map(file => `./src/${String(file).replaceAll(path.sep, '/')}`)
    .filter(file => file.endsWith('.ts') && /export const (\w+Fields\b|BLOCKS = \{)/.test(readFileSync(path.join(root, file), 'utf8')))
  const { outputFiles } = await build({
    stdin: { contents: sources.map((file, i) => `import * as m${i} from '${file}'`).join('\n').concat(`\nexport default Object.assign({}, ${sources.map((_, i) => `m${i}`).join(', ')})`), resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    external: ['#transport'],
    logLevel: 'error',
  })
  const module = { exports: {} }
  new Function('module', 'exports', 'require', outputFiles[0].text)(module, module.exports, createRequire(import.meta.url))
  return module.exports.default
}
