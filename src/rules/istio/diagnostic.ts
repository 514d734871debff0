/** What is said about a rule document: one fault or surprise, where it stands, and how to mend it. */
import type { RuleDocument } from './document.ts'

export type Severity = 'error' | 'warning' | 'info'

export interface Diagnostic {
  severity: Severity
  /** Stable, in kebab-case: `unknown-field`, `invalid-duration`, … */
  code: string
  message: string
  /** The file or address the document is from, when it is from one. */
  source?: string
  /** Place of the document among those given (of its source), from 0. */
  document?: number
  kind?: string
  name?: string
  /** `spec.http[0].timeout`. */
  path?: string
  /** From 1; absent for objects made in code. */
  line?: number
  column?: number
  /** How to mend it. */
  hint?: string
}

/** A diagnostic about a path of a document, with the position filled in where the document knows it. */
export function diagnose(
  document: RuleDocument,
  severity: Severity,
  code: string,
  path: string,
  message: string,
  hint?: string,
): Diagnostic {
  const diagnostic: Diagnostic = { severity, code, message, kind: document.kind, name: document.metadata.name, path }
  if (document.origin !== undefined) {
    diagnostic.document = document.origin.document
    if (document.origin.source !== undefined) diagnostic.source = document.origin.source
  }
  const position = document.locate?.(path)
  if (position !== undefined) {
    diagnostic.line = position.line
    diagnostic.column = position.column
  }
  if (hint !== undefined) diagnostic.hint = hint
  return diagnostic
}
