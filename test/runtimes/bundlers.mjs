// webpack and Rollup with their defaults take the built package along, without a module of Node; the bundles run where there is only the web.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PROGRAMS, runInWeb } from '../package/bundles.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** webpack would load other files by script tags. */
const ONE_FILE = { parser: { javascript: { dynamicImportMode: 'eager' } } }

const BUNDLERS = {
  async webpack(entry, folder) {
    const { default: webpack } = await import('webpack')
    for (const target of ['web', 'webworker']) {
      const stats = await promisify(webpack)({
        mode: 'production',
        target,
        context: folder,
        entry,
        output: { path: folder, filename: 'out.js' },
        module: ONE_FILE,
      })
      if (stats.hasErrors()) throw new Error(`target ${target}: ${stats.toString('errors-only')}`)
    }
    return readFileSync(path.join(folder, 'out.js'), 'utf8')
  },
  async rollup(entry) {
    const { rollup } = await import('rollup')
    const { nodeResolve } = await import('@rollup/plugin-node-resolve')
    const warnings = []
    const made = await rollup({
      input: entry,
      plugins: [nodeResolve({ browser: true })],
      onwarn: warning => warnings.push(warning.message),
    })
    if (warnings.some(text => /unresolved|could not be resolved/i.test(text))) throw new Error(warnings.join('\n'))
    const { output } = await made.generate({ format: 'iife', inlineDynamicImports: true })
    return output[0].code
  },
}

/** How many bundlers failed. */
export async function bundlers(absent) {
  let failed = 0
  for (const [name, bundle] of Object.entries(BUNDLERS)) {
    const installed = fileURLToPath(new URL(`node_modules/${name}/package.json`, import.meta.url))
    if (!existsSync(installed)) {
      absent.push(name)
      console.log(`SKIPPED  ${name}: npm --prefix test/runtimes ci`)
      continue
    }
    const folder = mkdtempSync(path.join(os.tmpdir(), 'meshless-bundler-'))
    mkdirSync(path.join(folder, 'node_modules'))
    symlinkSync(root, path.join(folder, 'node_modules/meshless'), 'junction')
    const wrong = []
    for (const [program, { code, answer }] of Object.entries(PROGRAMS)) {
      const entry = path.join(folder, 'entry.mjs')
      writeFileSync(entry, code)
      try {
        const seen = await runInWeb(await bundle(entry, folder))
        if (seen !== answer) throw new Error(`answers ${seen}, not ${answer}`)
      } catch (error) {
        wrong.push(`${program}: ${error.stack ?? error}`)
      }
    }
    rmSync(folder, { recursive: true, force: true })
    for (const text of wrong) console.log(`  failed  ${text}`)
    if (wrong.length > 0) failed++
    console.log(
      `${wrong.length > 0 ? 'FAILED  ' : 'ok      '} ${name} ${JSON.parse(readFileSync(installed, 'utf8')).version}: ${Object.keys(PROGRAMS).join(', ')}`,
    )
  }
  return failed
}
