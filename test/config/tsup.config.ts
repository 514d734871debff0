import { defineConfig } from 'tsup'
import { stripTexts } from './strip-texts.ts'

/** What users import; only this needs declarations. */
const published = {
  index: 'src/index.ts',
  policies: 'src/policies/index.ts',
  testing: 'src/testing/index.ts',
  'sources/files': 'src/rules/sources/files.ts',
}

export default defineConfig({
  entry: {
    ...published,
    cli: 'src/ops/cli/main.ts',
    'admin/node': 'src/ops/admin/index.ts',
    'admin/unavailable': 'src/ops/admin/unavailable.ts',
    'transport/node': 'src/traffic/transport/node.ts',
    'transport/fetch': 'src/traffic/transport/fetch.ts',
  },
  format: ['esm'], // commonjs.mjs makes the other half
  splitting: true,
  platform: 'neutral',
  target: 'node20',
  removeNodeProtocol: false,
  external: [/^node:/, '#transport', '#admin'],
  noExternal: ['yaml', 're2js'],
  clean: true,
  esbuildPlugins: [stripTexts],
  sourcemap: false,
  dts: { entry: published, compilerOptions: { ignoreDeprecations: '6.0' } },
  esbuildOptions(options) {
    options.conditions = ['browser', 'module', 'import']
    options.mainFields = ['module', 'main']
  },
})
