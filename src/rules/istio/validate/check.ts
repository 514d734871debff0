/** What the rules of one document speak through, and the checks that several kinds share. Verdicts are those of Istio's webhook. */
import { compileRe2 } from '../../../base/formats/re2.ts'
import { parseDuration } from '../../../base/time/duration.ts'
import { type Diagnostic, diagnose } from '../diagnostic.ts'
import { member, type RuleDocument } from '../document.ts'

export class Check {
  readonly document: RuleDocument
  readonly diagnostics: Diagnostic[] = []

  constructor(document: RuleDocument) {
    this.document = document
  }

  error(code: string, path: string, message: string, hint?: string): void {
    this.diagnostics.push(diagnose(this.document, 'error', code, path, message, hint))
  }

  warn(code: string, path: string, message: string, hint?: string): void {
    this.diagnostics.push(diagnose(this.document, 'warning', code, path, message, hint))
  }

  get namespace(): string {
    return this.document.metadata.namespace ?? 'default'
  }

  /** At least a millisecond, and whole milliseconds; absent is fine. */
  duration(value: unknown, path: string): void {
    const ms = typeof value === 'string' ? parseDuration(value) : undefined
    if (ms === undefined) return
    if (ms < 1) this.error('duration-too-short', path, `${value} is shorter than 1ms`, 'leave the field out to have no limit')
    else if (!Number.isInteger(ms))
      this.error('duration-too-fine', path, `${value} is finer than a millisecond`, 'round to whole milliseconds')
  }

  notNegative(value: number | undefined, path: string): void {
    if (value !== undefined && value < 0)
      this.error('negative', path, `${value} must not be negative`, 'leave the field out to have no limit')
  }

  percent(value: number | undefined, path: string): void {
    if (value !== undefined && !(value >= 0 && value <= 100))
      this.error('invalid-percentage', path, `${value} is not between 0 and 100`, 'give a percentage from 0 to 100')
  }

  port(value: number | undefined, path: string): void {
    if (value === undefined || value < 1 || value > 65535)
      this.error('invalid-port', path, `port ${value ?? 0} is not between 1 and 65535`, 'give a port number from 1 to 65535')
  }

  /** RE2's syntax, as Envoy runs it: no lookaround, no backreferences. Returns whether the pattern is one. */
  regex(pattern: string, path: string): boolean {
    if (pattern.length > 1024) {
      this.error(
        'regex-too-long',
        path,
        `a regex of ${pattern.length} characters; at most 1024 are allowed`,
        'shorten it, or split it over several matches',
      )
      return false
    }
    try {
      compileRe2(pattern)
      return true
    } catch (error) {
      const { message } = error as Error
      if (message.includes('instructions')) {
        this.error('regex-too-long', path, message, 'repeat less often, or split it over several matches')
        return false
      }
      const presence =
        pattern === '*'
          ? 'write ".*" for anything, or {} for "is present"'
          : 'RE2 has no lookaround and no backreferences (https://github.com/google/re2/wiki/Syntax)'
      this.error('invalid-regex', path, `${JSON.stringify(pattern)}: ${message}`, presence)
      return false
    }
  }

  /** A DNS name; its first label may be or begin with a wildcard. */
  wildcardDomain(host: string | undefined, path: string): boolean {
    const fault = domainFault(host ?? '', true)
    if (fault !== undefined)
      this.error('invalid-host', path, fault, 'a DNS name such as reviews or api.example.com; a wildcard only at its beginning')
    return fault === undefined
  }

  /** A host that names a service: Istio compares it letter by letter, while a request's host has no capitals. */
  lowerCase(host: string | undefined, path: string): void {
    if (host !== undefined && host !== host.toLowerCase())
      this.warn(
        'upper-case-host',
        path,
        `${host} is not ${host.toLowerCase()}: Istio looks for services letter by letter, and calls to one that is not found get 503`,
        `write ${host.toLowerCase()} everywhere`,
      )
  }

  labels(labels: Record<string, string> | undefined, path: string): void {
    for (const [key, value] of Object.entries(labels ?? {})) {
      const [prefix, name] = key.includes('/')
        ? [key.slice(0, key.lastIndexOf('/')), key.slice(key.lastIndexOf('/') + 1)]
        : [undefined, key]
      if (name === '' || name.length > 63 || !LABEL_VALUE.test(name) || (prefix !== undefined && !isLabelPrefix(prefix)))
        this.error(
          'invalid-label',
          member(path, key),
          `${JSON.stringify(key)} is no label name`,
          'letters, digits, "-", "_" and "."; at most 63',
        )
      if (!LABEL_VALUE.test(value))
        this.error('invalid-label', member(path, key), `${JSON.stringify(value)} is no label value`, 'letters, digits, "-", "_" and "."')
    }
  }

  exportTo(exportTo: readonly string[] | undefined, path: string, service: boolean): void {
    const seen = new Set<string>()
    for (const [index, entry] of (exportTo ?? []).entries()) {
      const at = member(path, index)
      if (entry === '~' && !service)
        this.error('invalid-export', at, '"~" is for ServiceEntries only', 'use "." to keep the rule in its own namespace')
      else if (!['.', '*', '~'].includes(entry) && !isLabel(entry))
        this.error('invalid-export', at, `${JSON.stringify(entry)} is no namespace`, '".", "*" or the name of a namespace')
      const namespace = entry === '.' ? this.namespace : entry
      if (seen.has(namespace)) this.error('duplicate', at, `${JSON.stringify(entry)} is exported to twice`, 'name each namespace once')
      seen.add(namespace)
    }
    for (const all of ['*', '~'])
      if (seen.has(all) && seen.size > 1)
        this.error('invalid-export', path, `"${all}" leaves nothing for the other entries`, `keep "${all}" alone, or leave it out`)
  }

  /** Istio looks no further than the first name without a namespace. */
  gateways(gateways: readonly string[] | undefined, path: string): void {
    for (const [index, name] of (gateways ?? []).entries()) {
      const at = member(path, index)
      const slash = name.indexOf('/')
      const valid = slash < 0 ? domainFault(name, false) === undefined : isLabel(name.slice(0, slash)) && isLabel(name.slice(slash + 1))
      if (!valid) this.error('invalid-gateway', at, `${JSON.stringify(name)} is no gateway`, 'mesh, a name, or namespace/name')
      if (slash >= 0) continue
      const [gateway, namespace] = name.split('.')
      if (namespace !== undefined)
        this.warn('deprecated', at, `${name} is the old form of a gateway's name`, `write ${namespace}/${gateway}`)
      return
    }
  }

  /** A selector of workloads. */
  selector(labels: Record<string, string>, path: string, what: string): void {
    for (const [name, value] of Object.entries(labels))
      if (name === '' || (name + value).includes('*'))
        this.error('invalid-label', member(path, name), 'selectors know no wildcards', 'name the label and its value')
    if (Object.keys(labels).length === 0)
      this.warn('empty-selector', path.slice(0, path.lastIndexOf('.')), `a selector without labels selects ${what}`, 'add labels')
  }

  /** An IP address or a CIDR range. */
  subnet(text: string, path: string): void {
    if (!isIp(text) && !isCidr(text))
      this.error('invalid-address', path, `${JSON.stringify(text)} is no IP address or CIDR range`, 'such as 10.0.0.1 or 10.0.0.0/8')
  }
}

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/
const LABEL_VALUE = /^(?:[a-zA-Z0-9](?:[-a-zA-Z0-9_.]*[a-zA-Z0-9])?)?$/
const WILDCARD_LABEL = /^(?:\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/

/** The DNS name before the slash of a label's name; its parts have no length of their own. */
function isLabelPrefix(text: string): boolean {
  return text.length <= 253 && text.split('.').every(part => /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(part))
}

export function isLabel(text: string): boolean {
  return LABEL.test(text)
}

/** What is wrong with a DNS name, if anything. */
export function domainFault(host: string, wildcard: boolean): string | undefined {
  if (host === '') return 'a host must not be empty'
  if (host.length > 255) return `a host of ${host.length} characters; at most 255 are allowed`
  const labels = host.split('.')
  if (labels.length > 1 && labels.at(-1) === '') labels.pop()
  else if ((labels.length > 1 || !wildcard) && /^\d+$/.test(labels.at(-1)!))
    return isIp(host) ? `${host} is an address, a host is a name` : `${JSON.stringify(host)} is no host: it ends in a number`
  const bad = labels.find((label, index) =>
    index === 0 && wildcard ? label.length > 63 || !WILDCARD_LABEL.test(label) : !LABEL.test(label),
  )
  if (bad === undefined) return undefined
  return `${JSON.stringify(host)} is no host: ${JSON.stringify(bad)} is not allowed in it`
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text)
}

export function isCidr(text: string): boolean {
  const match = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(text)
  if (match === null) return false
  const bits = Number(match[2])
  return (isIpv4(match[1]!) && bits <= 32) || (isIpv6(match[1]!) && bits <= 128)
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

function isIpv6(address: string): boolean {
  const text = address.replace(/%.+$/s, '')
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return false
  try {
    return new URL(`http://[${text}]/`).hostname !== ''
  } catch {
    return false
  }
}

/** Whether two names of services can mean the same host. */
export function overlap(a: string, b: string): boolean {
  if (a.startsWith('*') && b.startsWith('*')) return a.slice(1).endsWith(b.slice(1)) || b.slice(1).endsWith(a.slice(1))
  if (a.startsWith('*')) return b.endsWith(a.slice(1))
  if (b.startsWith('*')) return a.endsWith(b.slice(1))
  return a === b
}
