/** All that is wrong with a set of documents: how they are written, then what they say. Verdicts follow Istio's webhook; `strict` adds the CRD. */
import { append } from '../../base/append.ts'
import { runNow, type Steps } from '../../base/time/slices.ts'
import { suggest } from '../../core/schema/read.ts'
import { type Diagnostic, diagnose, type Severity } from './diagnostic.ts'
import { member, type RuleDocument } from './document.ts'
import { resiliencePolicy } from './resilience-policy.ts'
import { decode, isObject } from './schema/decode.ts'
import { specOf } from './schema/index.ts'
import { Check } from './validate/check.ts'
import { destinationRule } from './validate/destination-rule.ts'
import { serviceEntry } from './validate/service-entry.ts'
import { checkSet } from './validate/set.ts'
import { sidecar } from './validate/sidecar.ts'
import { virtualService } from './validate/virtual-service.ts'
import { workloadEntry } from './validate/workload-entry.ts'

export interface ValidateDocumentsOptions {
  /** Unknown fields, and what the CRD alone refuses, are errors instead of warnings. Default false. */
  strict?: boolean
}

const RULES: Readonly<Record<string, (check: Check, spec: any) => void>> = {
  VirtualService: virtualService,
  DestinationRule: destinationRule,
  ServiceEntry: serviceEntry,
  WorkloadEntry: (check, spec) => workloadEntry(check, spec, 'spec'),
  Sidecar: sidecar,
  ResiliencePolicy: resiliencePolicy,
}

const TOP = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

export function validateDocuments(documents: readonly RuleDocument[], options: ValidateDocumentsOptions = {}): Diagnostic[] {
  return runNow(validating(documents, options))
}

/** The same, interruptible after each document. */
export function* validating(documents: readonly RuleDocument[], options: ValidateDocumentsOptions = {}): Steps<Diagnostic[]> {
  const lax: Severity = options.strict === true ? 'error' : 'warning'
  const found: Diagnostic[] = []
  const mentioned = new Set<string>()
  for (const document of documents) {
    append(found, validateDocument(document, lax, mentioned))
    yield
  }
  append(found, checkSet(documents))
  return found
}

/** `mentioned` are the fields without effect that were already mentioned: once for each kind is enough. */
function validateDocument(document: RuleDocument, lax: Severity, mentioned: Set<string>): Diagnostic[] {
  const type = specOf(document.apiVersion, document.kind)
  if (type === undefined) return []
  const written: Record<string, unknown> = isObject(document.asWritten)
    ? document.asWritten
    : { metadata: document.metadata, spec: document.spec }
  const found = metadata(document, written)
  for (const name of Object.keys(written))
    if (!TOP.includes(name))
      found.push(
        diagnose(
          document,
          lax,
          'unknown-field',
          member('', name),
          `unknown field ${JSON.stringify(name)}`,
          suggest(name, TOP) ?? 'rules stand under spec',
        ),
      )
  const { value, faults } = decode(type, written.spec, 'spec')
  const refused = faults.filter(fault => fault.level === 'refused')
  for (const { level, code, path, message, hint } of faults)
    if (level === 'refused' || level === 'unknown')
      found.push(diagnose(document, level === 'refused' ? 'error' : lax, code, path, message, hint))
  const check = new Check(document)
  RULES[document.kind]?.(check, value)
  // A value that could not be read is missing below: what is said about its parents would be said twice.
  for (const diagnostic of check.diagnostics) if (!refused.some(fault => fault.path.startsWith(diagnostic.path!))) found.push(diagnostic)
  const said = new Set(found.filter(diagnostic => diagnostic.severity === 'error').map(diagnostic => diagnostic.path))
  if (written.spec === undefined || written.spec === null)
    found.push(diagnose(document, lax, 'required', '', 'spec is required', 'add spec:'))
  for (const { level, code, path, message, hint } of faults)
    if (level === 'crd' && !said.has(path)) found.push(diagnose(document, lax, code, path, message, hint))
  const warned = new Set(found.map(({ path }) => path))
  for (const { level, code, path, message, hint } of faults) {
    const key = `${document.kind} ${path.replace(/\[\d+\]/g, '')}`
    if (level !== 'ignored' || warned.has(path) || mentioned.has(key)) continue
    mentioned.add(key)
    found.push(diagnose(document, 'warning', code, path, message, hint))
  }
  return found
}

function metadata(document: RuleDocument, written: Record<string, unknown>): Diagnostic[] {
  const found: Diagnostic[] = []
  const given = written.metadata
  if (given !== undefined && given !== null && !isObject(given))
    found.push(diagnose(document, 'error', 'wrong-type', 'metadata', 'metadata is a map', 'metadata: { name: … }'))
  const from = isObject(given) ? given : {}
  for (const name of ['name', 'namespace'])
    if (from[name] !== undefined && from[name] !== null && typeof from[name] !== 'string')
      found.push(diagnose(document, 'error', 'wrong-type', `metadata.${name}`, `${name} is text`, quoted(from[name])))
  if (
    document.metadata.name === '' &&
    typeof from.generateName !== 'string' &&
    (from.name === undefined || from.name === '' || from.name === null)
  )
    found.push(diagnose(document, 'error', 'required', 'metadata', 'a document needs a name', 'add metadata: { name: … }'))
  for (const name of ['labels', 'annotations'])
    for (const [key, value] of Object.entries(isObject(from[name]) ? from[name] : {}))
      if (typeof value !== 'string')
        found.push(diagnose(document, 'error', 'wrong-type', member(`metadata.${name}`, key), 'text is expected', quoted(value)))
  for (const name of FORBIDDEN)
    if (isObject(from.annotations) && from.annotations[name] !== undefined)
      found.push(
        diagnose(
          document,
          'error',
          'forbidden-annotation',
          member('metadata.annotations', name),
          `${name} is not for users, or not for this kind`,
          'remove it',
        ),
      )
  return found
}

/** Annotations with which Istio refuses a rule. */
const FORBIDDEN = [
  'istio.io/dry-run',
  'internal.istio.io/webhook-always-reject',
  'internal.istio.io/parent-namespace',
  'internal.istio.io/parents',
]

function quoted(value: unknown): string {
  return typeof value === 'object' ? 'one text, no list or map' : `write it in quotes: ${JSON.stringify(String(value))}`
}
