// What an editor shows of the package: asked of TypeScript's language service, as VS Code does, for every option that the sources describe.
import path from 'node:path'
import ts from 'typescript'

/** Where the options of a description are written in code. `|` marks the place. */
const PLACES = {
  adaptiveConcurrency: 'adaptiveConcurrency({ | })',
  bulkhead: 'bulkhead({ | })',
  cache: 'cache({ | })',
  circuitBreaker: 'circuitBreaker({ | })',
  collapse: 'collapse(async (ids: readonly number[]) => ids, { | })',
  command: "command('name', async () => 1, { | })",
  connectionPool: 'connectionPool({ | })',
  fallbackOptions: 'fallback(null, { | })',
  faultInjector: 'faultInjector({ | })',
  hedge: 'hedge({ | })',
  keyed: 'keyed(call => call.host, () => circuitBreaker(), { | })',
  loadBalancer: "loadBalancer({ | }, { endpoints: ['a'] })",
  loadShedder: 'loadShedder(() => 0, { | })',
  outlierDetector: 'outlierDetector({ | }, { hosts: [] })',
  rateLimiter: 'rateLimiter({ | })',
  retry: 'retry({ | })',
  retryBudget: 'retryBudget({ | })',
  timeLimiter: 'timeLimiter({ | })',
  weightedRouter: 'weightedRouter([{ | }])',
  mesh: 'createMesh({ | })',
  workload: 'createMesh({ workload: { | } })',
  nativeCluster: "createMesh({ clusters: { 'x.test': { | } } })",
  nativeOutlier: "createMesh({ clusters: { 'x.test': { outlierDetection: { | } } } })",
  healthCheck: "createMesh({ clusters: { 'x.test': { healthChecks: [{ | }] } } })",
  endpoint: "createMesh().setEndpoints('x', [{ | }])",
  change: "createMesh().apply('', { | })",
  plan: "createMesh().plan('', { | })",
  ready: 'createMesh().ready({ | })',
  eject: "createMesh().eject('x', 'y', { | })",
  close: 'createMesh().close({ | })',
  admin: 'createMesh().admin({ | })',
  explain: 'createMesh().explain({ | })',
  translate: "translate('', { | })",
  validate: "validate('', { | })",
  files: "files('x', { | })",
  trust: "files('x', { trust: { | } })",
  fakeTransport: 'testing.fakeTransport({}, { | })',
  fakeResponse: "testing.fakeTransport({ 'a:80': { | } })",
}

const IMPORTS = `import { adaptiveConcurrency, bulkhead, cache, circuitBreaker, collapse, command, connectionPool, createMesh, fallback, faultInjector, files, hedge, keyed,
  loadBalancer, loadShedder, outlierDetector, rateLimiter, retry, retryBudget, timeLimiter, translate, validate, weightedRouter } from 'meshless'
import * as testing from 'meshless/testing'
`

/** Opens a file of a folder in which the package is installed. */
function open(folder, name, text) {
  const file = path.join(folder, name)
  const options = {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
  }
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: wanted => {
      const content = wanted === file ? text : ts.sys.readFile(wanted)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: wanted => wanted === file || ts.sys.fileExists(wanted),
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  })
  return { file, service, at: part => text.indexOf(part) }
}

const words = parts => ts.displayPartsToString(parts ?? [])

/** Throws with all that an editor does not show. `name` ends in .mts or .cts. */
export function editorShows(folder, name, described) {
  const missing = []
  const known = Object.keys(described)
    .filter(key => key.endsWith('Fields'))
    .map(key => key.slice(0, -'Fields'.length))
  for (const key of known) if (PLACES[key] === undefined && !ELSEWHERE.has(key)) missing.push(`nobody looks at the options of ${key}`)

  let text = IMPORTS
  const carets = new Map()
  for (const [key, place] of Object.entries(PLACES)) {
    carets.set(key, text.length + place.indexOf('|'))
    text += `${place.replace('|', '')}\n`
  }
  const { file, service } = open(folder, name, text)
  for (const [key, caret] of carets) {
    const shown = service.getCompletionsAtPosition(file, caret, undefined)?.entries.map(entry => entry.name) ?? []
    for (const [option, { text: meaning, default: value, of }] of Object.entries(described[`${key}Fields`])) {
      if (!shown.includes(option)) {
        missing.push(`${PLACES[key]} does not offer ${option}`)
        continue
      }
      const details = service.getCompletionEntryDetails(file, caret, option, undefined, undefined, undefined, undefined)
      const [said, tags] = [words(details?.documentation).replaceAll('\n', ' '), details?.tags ?? []]
      if (!said.includes(meaning || of?.[0].text) || said === '') missing.push(`${key}.${option} says ${JSON.stringify(said)}, not ${JSON.stringify(meaning)}`)
      const plain = value !== undefined && typeof value !== 'object'
      if (plain && !tags.some(tag => tag.name === 'default')) missing.push(`${key}.${option} does not say its default, ${value}`)
    }
  }

  // Hovering over an option that stands in code; where it is declared; what a slip of the pen is answered.
  const hovered = open(folder, name, `import { circuitBreaker } from 'meshless/policies'\ncircuitBreaker({ failureRateThreshold: 40, slidingWindowSise: 5 })\n`)
  const place = hovered.at('failureRateThreshold')
  const info = hovered.service.getQuickInfoAtPosition(hovered.file, place)
  const said = [words(info?.displayParts), words(info?.documentation), ...(info?.tags ?? []).map(tag => `@${tag.name} ${words(tag.text)}`)].join('\n')
  const wanted = `(property) CircuitBreakerOptions<R = unknown>.failureRateThreshold?: number | undefined
Opens when at least this share of the calls in the window failed.

Percent; above 0, at most 100.
@default 50`
  if (said !== wanted) missing.push(`hovering shows\n${said}\nnot\n${wanted}`)
  const [definition] = hovered.service.getDefinitionAtPosition(hovered.file, place) ?? []
  if (definition?.containerName !== 'CircuitBreakerOptions') missing.push(`its definition is in ${definition?.containerName}`)
  const [error] = hovered.service.getSemanticDiagnostics(hovered.file)
  const answer = ts.flattenDiagnosticMessageText(error?.messageText ?? '', '\n')
  if (!/may only specify known properties, but 'slidingWindowSise' does not exist in type 'CircuitBreakerOptions<unknown>'\. Did you mean to write 'slidingWindowSize'/.test(answer))
    missing.push(`a slip of the pen is answered ${answer}`)

  if (missing.length > 0) throw new Error(missing.join('\n'))
}

/** Where no editor is asked. */
const ELSEWHERE = new Set([
  // The same options as trust, for sources that others can write to.
  'tightTrust',
  // Parts of documents alone, which no code writes: rules.schema.json has their texts.
  'fallback',
  'split',
  // What a factory takes beside its options is typed where the factory stands.
  'around',
  'circuitBreakerAround',
  'commandHook',
  'loadBalancerAround',
  'outlierDetectorAround',
  'upstreamAround',
  'weightedRouterAround',
])
