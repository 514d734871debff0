// Whether the interfaces written out are the types that were computed: asked of the compiler, each declaration next to the one it replaced.
import ts from 'typescript'

const SAME = `
type Same__<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Flat__<T> = T extends (...args: any[]) => any ? T : T extends object ? { [K in keyof T]: Flat__<T[K]> } : T;
type Must__<T extends true> = T;
`

/**
 * @param files path -> `{ text, replaced }`
 * @returns what the compiler says against it, line by line; nothing when all is well
 */
export function differences(files) {
  const texts = new Map()
  for (const [file, { text, replaced }] of files) {
    const checks = replaced.map(({ name, parameters, text: old }) => {
      const given = parameters === 0 ? '' : `<${Array(parameters).fill('{ status: number }').join(', ')}>`
      const computed = old.replace(new RegExp(`^(interface|type) ${name}\\b`), `$1 Computed__${name}`)
      return `${computed}\ntype Check__${name} = Must__<Same__<Flat__<${name}${given}>, Flat__<Computed__${name}${given}>>>;`
    })
    texts.set(file, replaced.length === 0 ? text : `${text}\n${SAME}${checks.join('\n')}\n`)
  }
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists, getSourceFile } = host
  host.readFile = file => texts.get(file) ?? readFile.call(host, file)
  host.fileExists = file => texts.has(file) || fileExists.call(host, file)
  host.getSourceFile = (file, ...rest) =>
    texts.has(file) ? ts.createSourceFile(file, texts.get(file), ts.ScriptTarget.ES2022, true) : getSourceFile.call(host, file, ...rest)
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()]
    .flatMap(file => [...program.getSyntacticDiagnostics(program.getSourceFile(file)), ...program.getSemanticDiagnostics(program.getSourceFile(file))])
    .map(({ file, start, messageText }) => {
      const { line } = file.getLineAndCharacterOfPosition(start)
      return `${file.fileName}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, '\n')}\n    ${file.text.split('\n')[line]}`
    })
}
