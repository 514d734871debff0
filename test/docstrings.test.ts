/**
 * What an editor shows of a function is true: the `@example` of every docstring runs, and prints what its `// =>` comments say. In it every name of the
 * package is there without an import, and `fetch` and a mesh's transport answer 200 `hello`, so that an example shows what it is about and no more.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import axios from 'axios'
import { expect, test } from 'vitest'
import * as meshless from '../src/index.ts'
import * as testing from '../src/testing/index.ts'
import { runBlock, wanted } from './doc-blocks.ts'

const root = fileURLToPath(new URL('../src', import.meta.url))
const files = (readdirSync(root, { recursive: true }) as string[]).filter(file => file.endsWith('.ts'))

interface Docstring {
  readonly file: string
  /** What it stands before: the first name there. */
  readonly of: string
  readonly example: string | undefined
}

function* docstrings(): Generator<Docstring> {
  for (const file of files)
    for (const [, comment, of] of readFileSync(path.join(root, file), 'utf8').matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export )?(?:async )?(?:function|const|interface|class|type)?\s*(\w+)/g,
    )) {
      const [, example] = /@example\n([\s\S]*)$/.exec(comment!) ?? []
      yield { file, of: of!, example: example?.replace(/^ *\* ?/gm, '').trimEnd() }
    }
}

const all = [...docstrings()]
const examples = all.filter(({ example }) => example !== undefined)

const hello = () => testing.fakeTransport({ '*': { body: 'hello' } })
const scope = {
  ...meshless,
  ...testing,
  axios,
  createMesh: (options: meshless.MeshOptions) => meshless.createMesh({ transport: hello(), ...options }),
  upstream: (options: meshless.UpstreamOptions, around = {}) => meshless.upstream(options, { transport: hello(), ...around }),
  fetch: async () => new Response('hello'),
  url: 'http://reviews:9080/reviews/1',
  rules: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  endpoints: [{ address: 10.0.0.1 }, { address: 10.0.0.2 }]
`,
}

test.each(examples)('$of in $file', async ({ example }) => {
  expect(await runBlock(example!, scope)).toEqual(wanted(example!))
})

/** Functions that a user calls; errors are made here. */
const functions = Object.entries({ ...meshless, ...testing }).flatMap(([name, value]) =>
  typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value)) ? [name] : [],
)

test.each([...functions, 'IntervalFunction'])('%s has an example', name => {
  expect(examples.map(({ of }) => of)).toContain(name)
})
