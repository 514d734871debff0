/** From texts and objects to rule documents: several documents in a text, lists of documents, documents of other kinds left alone. */
import { copyPlain } from '../../base/formats/plain-data.ts'
import { type YamlDocument, yamlDocuments } from '../../base/formats/yaml.ts'
import { runNow, type Steps } from '../../base/time/slices.ts'
import type { Diagnostic } from './diagnostic.ts'
import { type Metadata, member, type Position, type RuleDocument, stepsOf } from './document.ts'
import { isMeantAsRule, mistakeIn } from './recognize.ts'
import { decode, isObject } from './schema/decode.ts'
import { ISTIO_KINDS, specOf } from './schema/index.ts'

/** What rules may be given as: YAML or JSON text, documents, or a list of both. */
export type RulesInput = string | object | readonly (string | object)[]

export interface ParsedRules {
  documents: RuleDocument[]
  diagnostics: Diagnostic[]
}

type Locate = (path: string) => Position | undefined

/** Reads rules. Never throws: what cannot be read is a diagnostic. `source` names where the input is from. */
export function parseRules(input: RulesInput, source?: string): ParsedRules {
  return runNow(parsing(input, source))
}

/** The same, interruptible after each document. */
export function* parsing(input: RulesInput, source?: string): Steps<ParsedRules> {
  const reading = new Reading(source)
  for (const part of Array.isArray(input) ? input : [input]) {
    if (typeof part === 'string') yield* reading.text(part)
    else reading.object(part)
    yield
  }
  if (source !== undefined) for (const diagnostic of reading.diagnostics) diagnostic.source = source
  return { documents: reading.documents, diagnostics: reading.diagnostics }
}

/** A file, or one word with slashes (a directory): neither is a document. */
function looksLikePath(text: string): boolean {
  if (/:\s|[\n{}]/.test(text)) return false
  return (
    /^[^:]*(?::\S.*)?\.(?:ya?ml|json)$/i.test(text) ||
    /^(?:\.{0,2}|~|[A-Za-z]:|[\w.-]+)(?:[/\\][\w. -]+)+[/\\]?$/.test(text) ||
    /^[\w.-]+[/\\]$|^\.{1,2}$/.test(text)
  )
}

class Reading {
  readonly documents: RuleDocument[] = []
  readonly diagnostics: Diagnostic[] = []
  readonly #source: string | undefined
  readonly #otherKinds = new Set<string>()
  #leftMapAlone = false
  #count = 0

  constructor(source: string | undefined) {
    this.#source = source
  }

  *text(text: string): Steps<void> {
    const path = text.trim()
    if (looksLikePath(path)) {
      this.diagnostics.push({
        severity: 'error',
        code: 'path-given',
        message: `${JSON.stringify(path)} is a path, not rules`,
        document: this.#count++,
        line: 1,
        column: 1,
        hint: `use sources: [files(${JSON.stringify(path)})], or pass the file's text`,
      })
      return
    }
    for (const yaml of yamlDocuments(text)) {
      this.#yaml(yaml)
      yield
    }
  }

  /** A document made in code; it has paths but no lines. */
  object(value: unknown): void {
    let plain: unknown
    try {
      plain = copyPlain(value)
    } catch (error) {
      this.diagnostics.push({ severity: 'error', code: 'unreadable', message: messageOf(error), document: this.#count++ })
      return
    }
    this.#value(plain, '', undefined, undefined)
  }

  #yaml(yaml: YamlDocument): void {
    if (yaml.faults.length > 0) {
      const document = this.#count++
      for (const fault of yaml.faults) this.diagnostics.push({ severity: 'error', code: 'invalid-yaml', document, ...fault })
    } else if (yaml.value !== undefined) this.#value(yaml.value, '', path => yaml.locate(stepsOf(path)), yaml.line)
  }

  /** `prefix` is where the document stands inside a List. */
  #value(value: unknown, prefix: string, locate: Locate | undefined, line: number | undefined): void {
    const located: Locate | undefined =
      locate && (path => locate(path === '' ? prefix : prefix === '' ? path : path.startsWith('[') ? prefix + path : `${prefix}.${path}`))
    const fault = (code: string, path: string, message: string, hint?: string) => {
      this.diagnostics.push({
        severity: 'error',
        code,
        message,
        document: this.#count,
        path,
        ...located?.(path),
        ...(hint !== undefined && { hint }),
      })
    }
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.#value(item, member(prefix, index), locate, locate?.(member(prefix, index))?.line)
      return
    }
    // A file beside the rules is none of them; what is made in code is meant as one.
    if (located !== undefined && isForeign(value, prefix)) return this.#leaveMapAlone(value, located)
    if (!isObject(value)) {
      const hint = typeof value === 'string' ? 'a file or a directory is read by sources: [files(path)]' : undefined
      fault('not-a-document', '', 'a rule document is a map with apiVersion, kind, metadata and spec', hint)
      this.#count++
      return
    }
    const { apiVersion, kind } = value
    if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(value.items)) {
      const items = member(prefix, 'items')
      for (const [index, item] of value.items.entries())
        this.#value(item, member(items, index), locate, locate?.(member(items, index))?.line)
      return
    }
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
      fault(
        'not-a-document',
        '',
        typeof kind === 'string' ? 'apiVersion is missing' : 'kind is missing',
        typeof kind === 'string' && ISTIO_KINDS.has(kind)
          ? 'add apiVersion: networking.istio.io/v1'
          : 'every document needs apiVersion and kind',
      )
      this.#count++
      return
    }
    const spec = specOf(apiVersion, kind)
    if (spec === undefined) this.#leaveAlone(apiVersion, kind, located)
    else {
      const document: RuleDocument = {
        apiVersion,
        kind,
        metadata: metadataOf(value.metadata),
        spec: decode(spec, value.spec, 'spec').value,
        asWritten: value,
      }
      if (located !== undefined) document.locate = located
      document.origin = { ...(this.#source !== undefined && { source: this.#source }), document: this.#count, line: line ?? 0 }
      this.documents.push(document)
    }
    this.#count++
  }

  /** Once for each text is enough. */
  #leaveMapAlone(value: unknown, locate: Locate): void {
    const document = this.#count++
    if (this.#leftMapAlone) return
    this.#leftMapAlone = true
    const names = isObject(value) ? Object.keys(value).slice(0, 3).join(', ') : ''
    this.diagnostics.push({
      severity: 'info',
      code: 'not-a-document',
      message: `${names === '' ? 'this' : `a map of ${names}`} is not a rule document and is left alone: it has no kind`,
      document,
      path: '',
      ...locate(''),
      hint: 'a rule has apiVersion, kind, metadata and spec',
    })
  }

  #leaveAlone(apiVersion: string, kind: string, locate: Locate | undefined): void {
    const mistake = mistakeIn(apiVersion, kind)
    if (mistake !== undefined) {
      this.diagnostics.push({ severity: 'error', kind, document: this.#count, ...mistake, ...locate?.(mistake.path) })
      return
    }
    const [group] = apiVersion.split('/')
    const id = `${group}/${kind}`
    if (this.#otherKinds.has(id)) return
    this.#otherKinds.add(id)
    this.diagnostics.push({
      severity: 'info',
      code: 'kind-not-read',
      message: `documents of kind ${kind} (${apiVersion}) are left alone`,
      kind,
      document: this.#count,
      path: 'kind',
      ...locate?.('kind'),
    })
  }
}

/** A map that is no document and not meant as one, or a member of a list that is not even a map. */
function isForeign(value: unknown, prefix: string): boolean {
  if (!isObject(value)) return prefix.startsWith('[')
  return (typeof value.kind !== 'string' || typeof value.apiVersion !== 'string') && !isMeantAsRule(value)
}

function metadataOf(given: unknown): Metadata {
  const from = isObject(given) ? given : {}
  const metadata: Metadata = { name: typeof from.name === 'string' ? from.name : '' }
  if (typeof from.namespace === 'string') metadata.namespace = from.namespace
  if (typeof from.creationTimestamp === 'string') metadata.creationTimestamp = from.creationTimestamp
  if (isObject(from.labels)) metadata.labels = texts(from.labels)
  if (isObject(from.annotations)) metadata.annotations = texts(from.annotations)
  return metadata
}

function texts(from: Record<string, unknown>): Record<string, string> {
  const map = Object.create(null) as Record<string, string>
  for (const name of Object.keys(from)) if (typeof from[name] === 'string') map[name] = from[name]
  return map
}

/** A getter of an object may throw anything. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'a property of the object cannot be read'
}
