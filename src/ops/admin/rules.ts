/** Rules by REST: a set, or single documents by kind, namespace and name. Every answer says what it is a version of, and a write may insist on it. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Trust } from '../../core/source.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import type { Applied } from '../../mesh/options.ts'
import { isDeletion } from '../../mesh/patch.ts'
import { APPLY, keyOf } from '../../mesh/rule-set.ts'
import type { Diagnostic } from '../../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../../rules/istio/document.ts'
import { namespaceOf } from '../../rules/istio/select-documents.ts'
import { fields } from './body.ts'
import { cleaned, cleanText, hasRedacted, REDACTED, redactDocument } from './redact.ts'
import { AdminError, type AdminReply, ok } from './reply.ts'
import type { AdminRequest } from './request.ts'

/** Documents never change, and anybody may ask for all of them again and again. */
const redactedDocuments = new WeakMap<RuleDocument, Record<string, unknown>>()

/** What the program wrote, as it was read; whole for those who may write, without secrets for others. */
function shown(document: RuleDocument, whole: boolean): Record<string, unknown> {
  const written = (document.asWritten ?? {
    apiVersion: document.apiVersion,
    kind: document.kind,
    metadata: document.metadata,
    spec: document.spec,
  }) as Record<string, unknown>
  if (whole) return written
  let redacted = redactedDocuments.get(document)
  if (redacted === undefined) redactedDocuments.set(document, (redacted = redactDocument(written)))
  return redacted
}

/** A tag is shown to everybody: without a key it would confirm what somebody guesses of a secret. */
const TAG_KEY = randomBytes(32)
const tagOf = (document: RuleDocument): string =>
  `"${createHmac('sha256', TAG_KEY)
    .update(JSON.stringify([document.asWritten ?? document.spec, document.metadata]))
    .digest('base64url')
    .slice(0, 16)}"`
const versionTag = (version: number): string => `"v${version}"`

/** `GET /rules`, `/rules/KIND`: a List that can be applied again. */
export function list(core: MeshCore, request: AdminRequest, whole: boolean): AdminReply {
  const [, kind] = request.segments
  const { version, sets } = core.rules
  const tag = versionTag(version)
  if (kind === undefined && request.header('if-none-match') === tag) return { status: 304, headers: { etag: tag } }
  const items: unknown[] = []
  const sources: Record<string, string> = {}
  const hidden: { key: string; source: string }[] = []
  const inForce = new Set(core.rules.compiled.written)
  for (const [source, { documents }] of sets)
    for (const document of documents) {
      if (kind !== undefined && document.kind.toLowerCase() !== kind.toLowerCase()) continue
      const key = keyOf(document)
      if (inForce.has(document)) {
        items.push(shown(document, whole))
        sources[key] = source
      } else hidden.push({ key, source })
    }
  // Documents that another source's document of the same name hides are no part of the set.
  const shadowed = hidden.map(({ key, source }) => ({ key, source, by: sources[key] ?? APPLY }))
  const from = whole ? { sources, shadowed } : (cleaned({ sources, shadowed }) as object)
  return ok({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: String(version) }, items, ...from }, { etag: tag })
}

/** `GET /rules/KIND/NAMESPACE/NAME`. */
export function one(core: MeshCore, request: AdminRequest, whole: boolean): AdminReply {
  const { document, source } = named(core, request)
  const tag = tagOf(document)
  if (request.header('if-none-match') === tag) return { status: 304, headers: { etag: tag } }
  return ok(shown(document, whole), { etag: tag, 'x-meshless-source': encoded(whole ? source : cleanText(source)) })
}

/** A header value; half a character beyond the basic plane has no encoding. */
const encoded = (text: string): string => encodeURI(text.replace(/\p{Surrogate}/gu, '\ufffd'))

/** `PUT /rules`: the whole set of the apply source. */
export async function replace(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  return result(await core.rules.apply(input(core, request), { trust, ifVersion: versionWanted(request) }))
}

/** `PATCH /rules`: single documents, created, replaced, or taken out by `$delete: true`. */
export async function patch(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  return result(await core.rules.patch(input(core, request), { trust, ifVersion: versionWanted(request) }))
}

/** `PUT /rules/KIND/NAMESPACE/NAME`. */
export async function put(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const text = input(core, request)
  checkSameDocument(core, request, text)
  const known = find(core, request)
  unless(request, known?.document)
  const version = core.rules.version
  const reply = result(await core.rules.patch(text, { trust, ifVersion: insists(request) ? version : undefined }))
  return known === undefined ? { ...reply, status: 201 } : reply
}

/** `PATCH /rules/KIND/NAMESPACE/NAME`: a JSON merge patch (RFC 7396), as JSON or YAML. */
export async function merge(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const { document } = named(core, request)
  unless(request, document)
  const version = core.rules.version
  const change = fields(request, [], undefined, 'yaml')
  if (hasRedacted(change)) throw redactedValue()
  const merged = merged7396(shown(document, true), change) as object
  checkSameDocument(core, request, merged)
  return result(await core.rules.patch(merged, { trust, ifVersion: version }))
}

/**
 * Refuses a body that is another document than the address names, or that deletes it: it would
 * take the place of a document that nobody meant. Wrong rules are for the rules' own checks.
 */
function checkSameDocument(core: MeshCore, { segments }: AdminRequest, body: string | object): void {
  const [, kind = '', namespace = '', name = ''] = segments
  const { documents, diagnostics } = core.rules.parse(body)
  const isNamed = (document: RuleDocument): boolean =>
    document.kind.toLowerCase() === kind.toLowerCase() && namespaceOf(document) === namespace && document.metadata.name === name
  const found = documents.map(keyOf).join(', ') || 'not a rule'
  const hint = 'PATCH /rules takes any documents'
  const isRefusedAnyway = diagnostics.some(({ severity }) => severity === 'error')
  if (documents.length > 1 || !(documents.every(isNamed) && (documents.length === 1 || isRefusedAnyway)))
    throw new AdminError(400, 'other-document', `the body is ${found}, the address names ${kind}/${namespace}/${name}`, { hint })
  if (documents.some(isDeletion))
    throw new AdminError(400, 'other-document', 'the body deletes the document', { hint: 'DELETE deletes it' })
}

/** `DELETE /rules/KIND/NAMESPACE/NAME`. */
export async function remove(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const { document } = named(core, request)
  unless(request, document)
  const { kind, apiVersion } = document
  const deletion = { apiVersion, kind, metadata: { name: document.metadata.name, namespace: namespaceOf(document) }, $delete: true }
  return result(await core.rules.patch(deletion, { trust, ifVersion: insists(request) ? core.rules.version : undefined }))
}

/** `POST /plan`, with `?patch` for single documents: what a change would do. */
export async function plan(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const patch = request.query.has('patch')
  return ok(await core.rules.planInSlices(input(core, request), { patch, trust }))
}

/** `POST /rollback`: { version }. */
export async function rollback(core: MeshCore, request: AdminRequest, trust: Trust): Promise<AdminReply> {
  const { version } = fields(request, ['version'], [])
  if (!Number.isInteger(version)) throw new AdminError(400, 'wrong-body', 'version is not a whole number')
  return result(await core.rules.rollback(version, { trust }))
}

export function result(applied: Applied<Diagnostic>): AdminReply {
  if (applied.accepted) return ok(applied, { etag: versionTag(applied.version) })
  const { errors, warnings, conflict } = applied
  const diagnostics = [...errors, ...warnings]
  const first = errors[0]
  if (conflict !== undefined)
    throw new AdminError(412, 'version-conflict', first!.message, { hint: first!.hint!, headers: { etag: versionTag(conflict.actual) } })
  if (first?.code === 'document-not-found' || first?.code === 'version-not-kept')
    throw new AdminError(404, first.code, first.message, { diagnostics })
  const message = errors.length === 1 ? first!.message : `${errors.length} errors in the rules; nothing was changed`
  throw new AdminError(422, 'rules-refused', message, { diagnostics })
}

function input(core: MeshCore, request: AdminRequest): string {
  if (request.body.trim() === '') throw new AdminError(400, 'empty-body', 'the body is empty', { hint: 'send rules as YAML or JSON' })
  if (request.body.includes(REDACTED) && core.rules.read(request.body).some(({ asWritten }) => hasRedacted(asWritten)))
    throw redactedValue()
  return request.body
}

function redactedValue(): AdminError {
  return new AdminError(400, 'redacted-value', 'the body has a value that was hidden', {
    hint: 'read the rules with the token: then nothing is hidden',
  })
}

function versionWanted(request: AdminRequest): number | undefined {
  const wanted = request.header('if-match')
  if (wanted === undefined || wanted === '*') return undefined
  const version = /^"v(\d+)"$/.exec(wanted)?.[1]
  if (version === undefined)
    throw new AdminError(400, 'wrong-etag', `If-Match: ${wanted} is no version of the rules`, {
      hint: 'e.g. "v7", from the ETag of GET /rules',
    })
  return Number(version)
}

const insists = (request: AdminRequest): boolean =>
  request.header('if-match') !== undefined || request.header('if-none-match') !== undefined

/** Refuses when the document is not what the writer believes. */
function unless(request: AdminRequest, document: RuleDocument | undefined): void {
  const match = request.header('if-match')
  const none = request.header('if-none-match')
  const tag = document && tagOf(document)
  if (none === '*' && document !== undefined) throw new AdminError(412, 'exists', `${keyOf(document)} exists`, { headers: { etag: tag! } })
  if (match === undefined || (match === '*' && document !== undefined) || match === tag) return
  throw new AdminError(
    412,
    'changed',
    document === undefined ? 'there is no such document' : `${keyOf(document)} is not what If-Match says`,
    {
      hint: 'read it again and try with its ETag',
      headers: tag === undefined ? {} : { etag: tag },
    },
  )
}

function find(core: MeshCore, request: AdminRequest): { document: RuleDocument; source: string } | undefined {
  const [, kind = '', namespace = '', name = ''] = request.segments
  const inForce = new Set(core.rules.compiled.written)
  for (const [source, { documents }] of core.rules.sets)
    for (const document of documents)
      if (
        document.kind.toLowerCase() === kind.toLowerCase() &&
        namespaceOf(document) === namespace &&
        document.metadata.name === name &&
        inForce.has(document)
      )
        return { document, source }
  return undefined
}

function named(core: MeshCore, request: AdminRequest): { document: RuleDocument; source: string } {
  const found = find(core, request)
  if (found !== undefined) return found
  const near = core.rules.sets.get(APPLY)!.documents.map(keyOf).slice(0, 10).join(', ')
  throw new AdminError(404, 'document-not-found', `there is no ${request.segments.slice(1).join('/')}`, {
    hint: near === '' ? 'no rules were applied' : `applied: ${near}`,
  })
}

function merged7396(target: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as Record<string, unknown>) } : {}
  for (const [name, value] of Object.entries(change))
    if (value === null) delete base[name]
    else base[name] = merged7396(base[name], value)
  return base
}
