/** Rules from the command line's arguments: files, directories, `-` for standard input. */
import { append } from '../../base/append.ts'
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../../rules/istio/document.ts'
import { parseRules } from '../../rules/istio/parse.ts'
import { validateDocuments } from '../../rules/istio/validate.ts'
import { nodeModules, readFiles } from '../../rules/sources/read-files.ts'
import { type Around, CliError, EXIT } from './around.ts'
import { text } from './diagnostics.ts'

export interface Part {
  /** `rules.yaml`, or `-`. */
  readonly origin: string
  readonly text: string
}

export interface Given {
  readonly parts: readonly Part[]
  readonly documents: RuleDocument[]
  /** What reading them found. */
  readonly diagnostics: Diagnostic[]
}

/** Reads rules that are sent or translated. Those with errors are not: the errors are told, by the names of the files. */
export async function readRight(paths: readonly string[], around: Around): Promise<Given | undefined> {
  const given = await read(paths, around)
  const errors = errorsOf(given)
  if (errors.length === 0) return given
  around.err(text(errors, around))
  return undefined
}

/** What makes rules unusable. */
export function errorsOf({ documents, diagnostics }: Given): Diagnostic[] {
  return [...diagnostics, ...validateDocuments(documents)].filter(d => d.severity === 'error')
}

/**
 * What a process reported of joined files, by the files' own names and lines. It reports of the
 * documents it has as well, whose lines are those of another text: these stay without a place.
 */
export function inFiles(given: Given, found: readonly Diagnostic[]): Diagnostic[] {
  return found.map(diagnostic => {
    if (diagnostic.line === undefined || diagnostic.source !== undefined) return diagnostic
    const placed = placeOf(given.parts, diagnostic.line)
    if (placed !== undefined && isAbout(given.documents, diagnostic, placed))
      return { ...diagnostic, ...placed, message: inPlaces(diagnostic.message, given.parts, placed) }
    const { line: _, column: __, document: ___, ...unplaced } = diagnostic
    return { ...unplaced, source: IN_PROCESS }
  })
}

/** Stands for a file where a document was applied before. */
const IN_PROCESS = '(in the process)'

interface Placed {
  readonly source: string
  readonly line: number
}

function placeOf(parts: readonly Part[], joinedLine: number): Placed | undefined {
  let line = joinedLine
  for (const { origin, text } of parts) {
    const lines = withEnd(text).split('\n').length - 1
    if (line <= lines) return { source: origin, line }
    line -= lines + 1 // the line between two files
  }
  return undefined
}

/** A message may name the line of another document. */
function inPlaces(message: string, parts: readonly Part[], from: Placed): string {
  return message.replace(/\bin line (\d+)\b/g, (written, joinedLine: string) => {
    const placed = placeOf(parts, Number(joinedLine))
    if (placed === undefined) return written
    return placed.source === from.source ? `in line ${placed.line}` : `in ${placed.source}:${placed.line}`
  })
}

/** Whether a diagnostic that names a document can be about what is at that place. */
function isAbout(documents: readonly RuleDocument[], { kind, name }: Diagnostic, { source, line }: Placed): boolean {
  if (name === undefined) return true
  const begun = documents.filter(({ origin }) => origin?.source === source && origin.line <= line)
  const nearest = begun.reduce<RuleDocument | undefined>(
    (last, document) => (last === undefined || document.origin!.line >= last.origin!.line ? document : last),
    undefined,
  )
  return nearest?.kind === kind && nearest?.metadata.name === name
}

const withEnd = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)

/** Several files as one text: each may begin with directives, and in JSON, which is YAML too. */
export function joined({ parts }: Given): string {
  return parts.map(part => withEnd(part.text.replace(/^\uFEFF/, ''))).join('...\n')
}

/** Reads and parses. Throws a `CliError` for a path that is not there or holds no rules. */
export async function read(paths: readonly string[], around: Around): Promise<Given> {
  if (paths.length === 0) throw new CliError(EXIT.usage, 'no rules are given', 'name files or directories, or - for standard input')
  const parts: Part[] = []
  for (const path of paths) append(parts, path === '-' ? [{ origin: '-', text: await standardInput(around) }] : await partsOf(path))
  const documents: RuleDocument[] = []
  const diagnostics: Diagnostic[] = []
  for (const part of parts) {
    const parsed = parseRules(part.text, part.origin)
    append(documents, parsed.documents)
    append(diagnostics, parsed.diagnostics)
  }
  return { parts, documents, diagnostics }
}

/** A pipe that brings nothing is a pipe from the wrong place, not rules without faults. */
async function standardInput(around: Around): Promise<string> {
  const given = await around.stdin()
  if (given.trim() === '')
    throw new CliError(EXIT.usage, 'standard input is empty', 'e.g. kubectl get virtualservices -o yaml | meshless validate -')
  return given
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
