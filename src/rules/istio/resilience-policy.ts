/** Rules of our own kind: what a ResiliencePolicy is for, and the options of its policies. */
import { BLOCK_NAMES, blockFaults } from '../../core/schema/policies/index.ts'
import type { Fault } from '../../core/schema/read.ts'
import { suggest } from '../../core/schema/read.ts'
import { member } from './document.ts'
import { isObject } from './schema/decode.ts'
import type { Check } from './validate/check.ts'
import { cookieName, cookieText, lookedUpHeader } from './validate/http-text.ts'

/** `'*'`, a route, a host, or (inbound) the own workload. */
export type ResilienceTarget =
  | '*'
  | { route: string }
  | { host: string; subset?: string; port?: number }
  | { workloadSelector: { labels?: Record<string, string>; matchLabels?: Record<string, string> }; methods?: string[]; paths?: string[] }

const TARGET_FIELDS = ['route', 'host', 'subset', 'port', 'workloadSelector', 'methods', 'paths']

export function resiliencePolicy(check: Check, spec: any): void {
  const targets: unknown = spec.targets
  if (!Array.isArray(targets) || targets.length === 0)
    check.error('required', 'spec', 'a ResiliencePolicy needs targets', 'add targets: [{ host: … }], or ["*"]')
  else for (const [index, value] of targets.entries()) target(check, value, member('spec.targets', index))
  if (spec.split !== undefined && Array.isArray(targets)) splitTargets(check, targets)
  const given = BLOCK_NAMES.filter(block => spec[block] !== undefined)
  if (given.length === 0)
    check.warn('empty-policy', 'spec', 'a ResiliencePolicy without anything in it', `give one of ${BLOCK_NAMES.join(', ')}`)
  if (spec.split !== undefined) splitBy(check, spec.split?.by, 'spec.split.by')
  const fallbackHost: unknown = spec.fallback?.destination?.host
  if (typeof fallbackHost === 'string') check.wildcardDomain(fallbackHost, 'spec.fallback.destination.host')
  for (const block of given)
    for (const { kind, path, message, hint } of blockFaults(block, spec[block], `spec.${block}`))
      check.error(CODES[kind], path, message, hint ?? HINTS[kind])
}

/** A split chooses the destination, so it cannot be for one. */
function splitTargets(check: Check, targets: readonly any[]): void {
  for (const [index, target] of targets.entries())
    if (target?.host !== undefined)
      check.error(
        'invalid-target',
        member('spec.targets', index),
        'a split is for a route: it decides which destination there is',
        '{ route: … } or "*", in a document of its own when other blocks are for a host',
      )
}

/** Names that a request is looked at by, or that a cookie made here gets; what is of another type is reported with the block. */
function splitBy(check: Check, by: any, path: string): void {
  if (typeof by?.httpHeaderName === 'string') lookedUpHeader(check, by.httpHeaderName, `${path}.httpHeaderName`)
  if (typeof by?.httpCookie?.name === 'string') cookieName(check, by.httpCookie.name, `${path}.httpCookie.name`)
  if (typeof by?.httpCookie?.path === 'string') cookieText(check, by.httpCookie.path, `${path}.httpCookie.path`)
}

const CODES: Readonly<Record<Fault['kind'], string>> = {
  type: 'wrong-type',
  range: 'out-of-range',
  unknown: 'unknown-field',
  missing: 'required',
  value: 'conflict',
}
const HINTS: Readonly<Record<Fault['kind'], string>> = {
  type: 'see the options of the policy',
  range: 'see the options of the policy',
  unknown: 'see the options of the policy',
  missing: 'add it',
  value: 'leave one of them out',
}

function target(check: Check, value: unknown, path: string): void {
  if (value === '*') return
  if (!isObject(value)) {
    check.error('invalid-target', path, 'a target is "*" or a map', '{ host: … }, { route: … } or { workloadSelector: … }')
    return
  }
  for (const name of Object.keys(value))
    if (!TARGET_FIELDS.includes(name))
      check.error(
        'unknown-field',
        member(path, name),
        `unknown field ${JSON.stringify(name)}`,
        suggest(name, TARGET_FIELDS) ?? `known here: ${TARGET_FIELDS.join(', ')}`,
      )
  const ways = ['route', 'host', 'workloadSelector'].filter(name => value[name] !== undefined)
  if (ways.length !== 1) {
    check.error('invalid-target', path, 'a target has exactly one of route, host, workloadSelector', 'write one target for each')
    return
  }
  const allowed = { route: [], host: ['subset', 'port'], workloadSelector: ['methods', 'paths'] }[
    ways[0] as 'route' | 'host' | 'workloadSelector'
  ] as string[]
  for (const name of ['subset', 'port', 'methods', 'paths'])
    if (value[name] !== undefined && !allowed.includes(name))
      check.error(
        'invalid-target',
        member(path, name),
        `${name} does not go with ${ways[0]}`,
        `beside ${ways[0]}: ${allowed.join(', ') || 'nothing'}`,
      )
  if (value.route !== undefined && (typeof value.route !== 'string' || value.route === ''))
    check.error('wrong-type', `${path}.route`, 'a route is named by text', 'the name of an http route')
  if (value.host !== undefined) {
    if (typeof value.host !== 'string') check.error('wrong-type', `${path}.host`, 'a host is text', 'such as reviews')
    else check.wildcardDomain(value.host, `${path}.host`)
  }
  if (value.subset !== undefined && typeof value.subset !== 'string')
    check.error('wrong-type', `${path}.subset`, 'a subset is named by text', 'write it in quotes')
  if (isObject(value.port)) check.error('wrong-type', `${path}.port`, 'the port of a target is a number', 'such as port: 80')
  else if (value.port !== undefined) check.port(Number.isInteger(value.port) ? (value.port as number) : 0, `${path}.port`)
  if (value.workloadSelector !== undefined && !isObject(value.workloadSelector))
    check.error('wrong-type', `${path}.workloadSelector`, 'a workloadSelector is a map', '{ labels: { app: … } }')
  else if (value.workloadSelector !== undefined)
    check.warn(
      'not-executed',
      path,
      'calls that come in are not governed: this target is for nothing',
      'name the host or the route that is called',
    )
  for (const name of ['methods', 'paths'])
    if (value[name] !== undefined && !(Array.isArray(value[name]) && value[name].every(item => typeof item === 'string')))
      check.error('wrong-type', `${path}.${name}`, `${name} is a list of text`, `such as ${name}: [${name === 'methods' ? 'GET' : '/api'}]`)
}
