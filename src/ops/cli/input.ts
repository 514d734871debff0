/** Rules from the command line's arguments: files, directories, `-` for standard input. */
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../../rules/istio/document.ts'
import { parseRules } from '../../rules/istio/parse.ts'
import { validateDocuments } from '../../rules/istio/validate.ts'
import { nodeModules, readFiles } from '../../rules/sources/read-files.ts'
import { type Around, CliError, EXIT } from './around.ts'

export interface Part {
  /** `rules.yaml`, or `-`. */
  readonly origin: string
  readonly text: string
}

/** What reading and checking found wrong, with the names of the files: what is sent to a process has none. */
export function errorsOf({ documents, diagnostics }: Given): Diagnostic[] {
  return [...diagnostics, ...validateDocuments(documents)].filter(d => d.severity === 'error')
}

export interface Given {
  readonly parts: readonly Part[]
  readonly documents: RuleDocument[]
  /** What reading them found. */
  readonly diagnostics: Diagnostic[]
}

/** Reads and parses. Throws a `CliError` for a path that is not there or holds no rules. */
export async function read(paths: readonly string[], around: Around): Promise<Given> {
  if (paths.length === 0) throw new CliError(EXIT.usage, 'no rules are given', 'name files or directories, or - for standard input')
  const parts: Part[] = []
  for (const path of paths) parts.push(...(path === '-' ? [{ origin: '-', text: await around.stdin() }] : await partsOf(path)))
  const documents: RuleDocument[] = []
  const diagnostics: Diagnostic[] = []
  for (const { text, origin } of parts) {
    const parsed = parseRules(text, origin)
    documents.push(...parsed.documents)
    diagnostics.push(...parsed.diagnostics)
  }
  return { parts, documents, diagnostics }
}

async function partsOf(path: string): Promise<Part[]> {
  let found: Awaited<ReturnType<typeof readFiles>>
  try {
    found = await readFiles(nodeModules(), path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(EXIT.usage, code === 'ENOENT' ? `${path}: no such file or directory` : `${path}: ${message}`)
  }
  if (found.files.length === 0) throw new CliError(EXIT.usage, `${path}: no .yaml, .yml or .json file below it`)
  return found.files.map(file => ({ origin: file.path, text: file.text }))
}
