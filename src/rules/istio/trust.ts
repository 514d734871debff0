/**
 * A source's rules reach no further than the source is trusted: which hosts they may name, and
 * whether they may lead to Unix sockets, to link-local addresses or to files. What leads further
 * is an error with its place.
 */
import { forbiddenKind, isTrustedWith, type Trust } from '../../core/trust.ts'
import { type Diagnostic, diagnose } from './diagnostic.ts'
import type { RuleDocument } from './document.ts'
import type { Caller } from './select-documents.ts'
import { filesOf, placesOf } from './trust/places.ts'

/** The places of a document that its source is not trusted with. */
export function trustFaults(document: RuleDocument, trust: Trust, caller: Caller): Diagnostic[] {
  const found: Diagnostic[] = []
  const report = (path: string, { code, message, hint }: { code: string; message: string; hint: string }) =>
    found.push(diagnose(document, 'error', code, path, message, hint))
  for (const { path, host, address } of placesOf(document, caller)) {
    if (host !== undefined && !isTrustedWith(trust, host)) report(path, untrustedHost(trust, host))
    const kind = forbiddenKind(trust, address)
    if (kind !== undefined) report(path, untrusted(kind, address))
  }
  const { tlsDirectory } = trust
  if (tlsDirectory === undefined) return found
  for (const [path, file] of filesOf(document)) {
    if (tlsDirectory !== false && isBelow(file, tlsDirectory)) continue
    const hint = tlsDirectory === false ? 'trust: { tlsDirectory } allows one directory' : `files below ${tlsDirectory} are trusted`
    report(path, { code: 'trust-tls-file', message: `the source is not trusted with the file ${file}`, hint })
  }
  return found
}

type Kind = 'unix-socket' | 'link-local'

/** What is reported about an address that the trust of a source forbids. */
export function untrusted(kind: Kind, address: string): { code: TrustCode; message: string; hint: string } {
  if (kind === 'unix-socket')
    return {
      code: 'trust-unix-socket',
      message: `the source is not trusted with the Unix socket ${address}`,
      hint: 'trust: { unixSockets: true } allows it',
    }
  return {
    code: 'trust-link-local',
    message: `the source is not trusted with the link-local address ${address}`,
    hint: 'trust: { linkLocal: true } allows it',
  }
}

/** The same about a host. */
export function untrustedHost(trust: Trust | undefined, host: string): { code: TrustCode; message: string; hint: string } {
  const trusted = trust?.hosts?.join(', ') || 'no host'
  return { code: 'trust-host', message: `the source is not trusted with the host ${host}`, hint: `trusted: ${trusted}` }
}

export type TrustCode = 'trust-host' | 'trust-unix-socket' | 'trust-link-local'

/** The first host that a document names beyond a trust. */
export function foreignHostIn(document: RuleDocument, trust: Trust | undefined, caller: Caller): string | undefined {
  if (trust?.hosts === undefined) return undefined
  for (const { host } of placesOf(document, caller)) if (host !== undefined && !isTrustedWith(trust, host)) return host
  return undefined
}

/** Whether a path stays below a directory, read as text: what `..` leads out of is not below. */
function isBelow(file: string, directory: string): boolean {
  const path = normalized(file)
  const root = normalized(directory)
  if ((path[0] === '') !== (root[0] === '')) return false // one absolute, one relative
  return path.length > root.length && root.every((step, at) => path[at] === step) && path[root.length] !== '..'
}

/** The steps of a path, the first of an absolute one empty; `..` is kept where nothing is above it. */
function normalized(path: string): string[] {
  const [first = '', ...others] = path.split(/[\\/]/)
  const steps = first === '.' ? [] : [first]
  for (const step of others) {
    if (step === '' || step === '.') continue
    const last = steps.at(-1)
    if (step !== '..' || last === undefined || last === '..') steps.push(step)
    else if (last !== '') steps.pop()
  }
  return steps
}
