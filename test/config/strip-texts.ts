// The texts of options serve documentation and JSON Schema, which are made from the sources; the built package does without them. And it
// says that describing an option changes nothing else, so that a bundler leaves out the options of policies that nobody uses.
import { readFile } from 'node:fs/promises'
import { type Plugin, transform } from 'esbuild'

const BUILDERS = 'number|integer|boolean|string|duration|size|oneOf|hook|provided|array|map|object|union|anything|field|message'
const TEXT = new RegExp(`(?<![.\\w])(${BUILDERS})\\(\\s*"(?:[^"\\\\]|\\\\.)*"`, 'g')
const CALL = new RegExp(`(?<![.\\w])(?<!function )(${BUILDERS})\\(`, 'g')

/** An esbuild plugin. Files that describe options are those that import the builders from core/schema. */
export const stripTexts: Plugin = {
  name: 'strip-texts',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      if (!/from '[^']*(?:core\/schema\/index|schema\/index|\.\/option|\.\.\/option|\.\/index|\.\/field)\.ts'/.test(source))
        return undefined
      const { code } = await transform(source, {
        loader: 'ts',
        target: 'node20',
        tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      })
      return { contents: code.replace(TEXT, '$1(""').replace(CALL, '/* @__PURE__ */ $1('), loader: 'js' }
    })
  },
}
