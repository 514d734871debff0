import { defineConfig } from 'tsup'
import { stripTexts } from './strip-texts.ts'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    policies: 'src/policies/index.ts',
    testing: 'src/testing/index.ts',
    cli: 'src/ops/cli/main.ts',
    'sources/files': 'src/rules/sources/files.ts',
    'transport/node': 'src/traffic/transport/node.ts',
    'transport/fetch': 'src/traffic/transport/fetch.ts',
  },
  format: ['esm'], // commonjs.mjs makes the other half
  splitting: true,
  platform: 'neutral',
  target: 'node20',
  removeNodeProtocol: false,
  external: [/^node:/, '#transport'],
  noExternal: ['yaml', 're2js'],
  clean: true,
  esbuildPlugins: [stripTexts],
  sourcemap: false,
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
  esbuildOptions(options) {
    options.conditions = ['browser', 'module', 'import']
    options.mainFields = ['module', 'main']
  },
})
