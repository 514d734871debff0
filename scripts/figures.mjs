/**
 * Figures of the code as it reads: `npm run figures` prints them, `npm run figures -- --check` fails when a bound is
 * exceeded. Everything is measured on src/ with the TypeScript compiler.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const src = path.join(root, 'src')

/** What a build starts from; every other file has to be imported by one of these, directly or not. */
const ENTRIES = JSON.parse(readFileSync(path.join(root, 'scripts/entries.json'), 'utf8'))

const files = readdirSync(src, { recursive: true })
  .filter(file => file.endsWith('.ts'))
  .map(file => file.replaceAll(path.sep, '/'))
const sources = new Map(
  files.map(file => {
    const text = readFileSync(path.join(src, file), 'utf8')
    return [file, { text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) }]
  }),
)

/** The files in src that a file imports or re-exports; types count too. */
function importsOf(file) {
  const targets = new Set()
  const visit = node => {
    const specifier =
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier
        ? node.moduleSpecifier.text
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]?.text
          : ts.isImportTypeNode(node)
            ? node.argument.literal?.text
            : undefined
    if (specifier?.startsWith('.')) {
      const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts')
      if (sources.has(target)) targets.add(target)
    }
    ts.forEachChild(node, visit)
  }
  visit(sources.get(file).tree)
  return [...targets]
}
const imports = new Map(files.map(file => [file, importsOf(file)]))

/** Whether a node declares a type, a class or a function by name. */
function isNamedDeclaration(node) {
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node)
  )
}

/** The types, classes and functions that a file declares at its top level; overloads and merged declarations count once. */
function topLevelNames(tree) {
  return new Set(tree.statements.filter(node => isNamedDeclaration(node) && node.name !== undefined).map(node => node.name.text))
}

/** The names of all functions, methods and types that a file declares, one for each declaration. */
function declaredNames(tree) {
  const names = []
  const visit = node => {
    if ((isNamedDeclaration(node) || ts.isMethodDeclaration(node)) && node.name !== undefined) {
      if (ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name)) names.push(node.name.text.replace('#', ''))
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return names
}

/** `parseDuration` has two words, `DNS` and `parse` have one. */
function wordsIn(name) {
  return name.split(/_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).filter(word => word !== '').length
}

/** Groups of files that import each other in a circle (Tarjan's strongly connected components of more than one file). */
function circles() {
  const index = new Map()
  const low = new Map()
  const stack = []
  const found = []
  const visit = file => {
    index.set(file, index.size)
    low.set(file, index.get(file))
    stack.push(file)
    for (const next of imports.get(file)) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(file, Math.min(low.get(file), low.get(next)))
    }
    if (low.get(file) !== index.get(file)) return
    const group = stack.splice(stack.indexOf(file))
    if (group.length > 1) found.push(group)
  }
  for (const file of files) if (!index.has(file)) visit(file)
  return found
}

/** The entries of a folder (files, and folders as one each), the imports between them and on how many levels they are. */
function structureOf(folder) {
  const entryOf = file => (file.startsWith(`${folder}/`) ? file.slice(folder.length + 1).split('/')[0] : undefined)
  const arrows = new Map()
  for (const file of files) {
    const from = entryOf(file)
    if (from === undefined) continue
    if (!arrows.has(from)) arrows.set(from, new Set())
    for (const target of imports.get(file)) {
      const to = entryOf(target)
      if (to !== undefined && to !== from) arrows.get(from).add(to)
    }
  }
  const depths = new Map()
  const depth = (entry, above) => {
    if (above.includes(entry)) return Number.POSITIVE_INFINITY
    if (!depths.has(entry)) depths.set(entry, 1 + Math.max(0, ...[...arrows.get(entry)].map(next => depth(next, [...above, entry]))))
    return depths.get(entry)
  }
  const levels = Math.max(0, ...[...arrows.keys()].map(entry => depth(entry, [])))
  return { entries: arrows.size, levels, arrows: [...arrows.values()].reduce((sum, set) => sum + set.size, 0) }
}

function unusedFiles() {
  const reached = new Set()
  const queue = [...ENTRIES]
  while (queue.length > 0) {
    const file = queue.pop()
    if (reached.has(file)) continue
    reached.add(file)
    queue.push(...(imports.get(file) ?? []))
  }
  return files.filter(file => !reached.has(file))
}

function countAny(folder) {
  let count = 0
  const visit = node => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) count++
    ts.forEachChild(node, visit)
  }
  for (const [file, { tree }] of sources) if (file.startsWith(folder)) visit(tree)
  return count
}

const declaredIn = new Map()
for (const [file, { tree }] of sources) {
  for (const name of topLevelNames(tree)) declaredIn.set(name, [...(declaredIn.get(name) ?? []), file])
}
const topLevel = [...declaredIn.keys()]
const homonyms = topLevel.filter(name => declaredIn.get(name).length > 1)
const names = [...sources.values()].flatMap(({ tree }) => declaredNames(tree))
const oneWord = names.filter(name => wordsIn(name) === 1)
const lines = [...sources.values()].flatMap(({ text }) => text.split('\n'))
const long = lines.filter(line => line.length > 100)
const engine = structureOf('traffic/engine')
const percent = (part, whole) => Math.round((part / whole) * 1000) / 10

const rows = [
  ['types, classes and functions declared in more than one file', homonyms.length, 30, `of ${topLevel.length}`],
  ['functions, methods and types named by one word, %', percent(oneWord.length, names.length), 40, `${oneWord.length} of ${names.length}`],
  ['lines over 100 columns, %', percent(long.length, lines.length), 1.5, `${long.length} lines`],
  ['entries of traffic/engine', engine.entries, 10, `${engine.arrows} imports between them`],
  ['import levels of traffic/engine', engine.levels, 5, ''],
  ['circles of imports', circles().length, 0, ''],
  ['uses of any in src/rules', countAny('rules/'), 10, ''],
  ['source files that no entry reaches', unusedFiles().length, 0, unusedFiles().join(' ')],
]
for (const [what, figure, bound, note] of rows) {
  console.log(`${figure <= bound ? 'ok  ' : 'over'} ${what.padEnd(62)} ${String(figure).padStart(6)}  (bound ${bound})  ${note}`)
}
if (process.argv.includes('--names')) {
  for (const name of homonyms) console.log(`${name}: ${declaredIn.get(name).join(' ')}`)
}
if (process.argv.includes('--words')) {
  for (const [file, { tree }] of sources) {
    const single = declaredNames(tree).filter(name => wordsIn(name) === 1)
    if (single.length > 0) console.log(`${file}: ${single.join(' ')}`)
  }
}
if (process.argv.includes('--check') && rows.some(([, figure, bound]) => figure > bound)) process.exit(1)
