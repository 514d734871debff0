// Bundles of the installed package for browsers and workers, by esbuild as their tools configure it, and run where there is no Node: in a
// context that has nothing but the functions of the web, which refuse to be called as methods of anything else, as they do in browsers.
import path from 'node:path'
import vm from 'node:vm'
import { build } from 'esbuild'

/** How tools ask for a browser or a worker. */
export const PLATFORMS = {
  'esbuild --platform=browser': { platform: 'browser' },
  'esbuild --platform=neutral': { platform: 'neutral' },
  'conditions worker, browser': { platform: 'neutral', conditions: ['worker', 'browser'] },
  'conditions workerd, worker, browser (wrangler)': { platform: 'browser', conditions: ['workerd', 'worker', 'browser'] },
  'conditions edge-light, worker (Next.js)': { platform: 'neutral', conditions: ['edge-light', 'worker'] },
  'condition react-native': { platform: 'neutral', conditions: ['react-native'] },
}

/** What is bundled, and what it must answer when it runs. */
export const PROGRAMS = {
  'meshless/policies': {
    code: `import { circuitBreaker, pipeline, retry, timeLimiter } from 'meshless/policies'
const guard = pipeline(retry({ maxAttempts: 2, waitDuration: 1 }), circuitBreaker(), timeLimiter({ timeoutDuration: 20 }))
globalThis.answer = guard.execute(call => (call.attempt === 1 ? Promise.reject(new Error('down')) : Promise.resolve('up')))
  .then(async up => [up, await guard.execute(() => new Promise(() => {})).catch(error => error.code)].join(' '))`,
    answer: 'up ERR_TIME_LIMIT',
  },
  'meshless with the fetch transport': {
    code: `import { createMesh, fetchTransport, outcomeOf } from 'meshless'
const mesh = createMesh({ transport: fetchTransport(), rules: \`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: s }
spec: { hosts: [s.test], resolution: STATIC, location: MESH_INTERNAL, ports: [{ number: 80, name: http, protocol: HTTP }], endpoints: [{ address: 10.0.0.1 }] }
\` })
globalThis.answer = mesh.fetch('http://s.test/x').then(async response => {
  const admin = await mesh.admin().catch(error => error.message.slice(0, 12))
  await mesh.close()
  return [response.status, await response.text(), outcomeOf(response).endpoint, admin].join(' ')
})`,
    answer: '200 http://10.0.0.1:80/x 10.0.0.1:80 mesh.admin()',
  },
  'meshless/testing': {
    code: `import { virtualClock } from 'meshless/testing'
import { timeLimiter } from 'meshless/policies'
const clock = virtualClock()
const call = timeLimiter({ timeoutDuration: '1h' }, { clock }).execute(() => new Promise(() => {})).catch(error => error.code)
globalThis.answer = clock.advanceAsync(3600001).then(() => call)`,
    answer: 'ERR_TIME_LIMIT',
  },
}

/** Bundles a program that is written in `folder`. Throws when it needs a module of Node. */
export async function bundle(folder, code, options) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: folder },
    absWorkingDir: folder,
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    logLevel: 'silent',
    ...options,
  })
  const [{ text }] = outputFiles
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(one => one.external).map(one => one.path))
  const written = text.match(/\b(?:from|import|require)\s*\(?\s*["'](?:node:[^"']*|fs|http|https|net|tls|dns|crypto|stream|zlib|path)["']/g) ?? []
  if (external.length + written.length > 0) throw new Error(`the bundle imports ${[...external, ...written].join(', ')}`)
  const parts = Object.keys(metafile.inputs).map(input => path.basename(input))
  if (parts.includes('node.js')) throw new Error(`the bundle has parts for Node: ${parts.join(', ')}`)
  return text
}

/** Runs a bundle where there are only the web's globals, and gives what it answers. */
export async function runInWeb(text) {
  const context = vm.createContext(web())
  vm.runInContext(text, context)
  return context.answer
}

/** Each function only as itself: browsers throw `Illegal invocation` for `object.setTimeout(…)`. */
function web() {
  const globals = Object.create(null)
  const only = (name, run) => {
    globals[name] = function (...given) {
      if (this !== undefined && this !== globals && this !== globals.globalThis) throw new TypeError(`Illegal invocation: ${name}`)
      return run(...given)
    }
  }
  const handles = new Map()
  let last = 0
  only('setTimeout', (run, delay) => {
    handles.set(++last, setTimeout(run, delay))
    return last
  })
  only('clearTimeout', handle => clearTimeout(handles.get(handle)))
  only('queueMicrotask', queueMicrotask)
  only('fetch', async url => new Response(String(url)))
  for (const name of ['performance', 'URL', 'URLSearchParams', 'Headers', 'Request', 'Response', 'Blob', 'FormData', 'ReadableStream', 'TransformStream'])
    globals[name] = globalThis[name]
  for (const name of ['AbortController', 'AbortSignal', 'TextEncoder', 'TextDecoder', 'DOMException', 'EventTarget', 'Event', 'console', 'structuredClone'])
    globals[name] = globalThis[name]
  return globals
}
