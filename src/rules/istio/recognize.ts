/**
 * What a map that is not one of our documents is: a document of somebody else's, which is left alone, or one of ours with a mistake in
 * its kind or apiVersion, which would otherwise do nothing in silence.
 */
import { nearest } from '../../core/schema/fault.ts'
import { ISTIO_KINDS, OWN_KINDS } from './schema/index.ts'

const ISTIO = 'networking.istio.io'
const OWN = 'meshless.dev'

/** Kinds of Istio's group that are not read here. */
const OTHER_ISTIO_KINDS = ['Gateway', 'EnvoyFilter', 'ProxyConfig', 'WorkloadGroup']
const KINDS: Readonly<Record<string, readonly string[]>> = {
  [ISTIO]: [...ISTIO_KINDS.keys(), ...OTHER_ISTIO_KINDS],
  [OWN]: [...OWN_KINDS.keys()],
}
const VERSIONS: Readonly<Record<string, string>> = { [ISTIO]: 'v1, v1beta1 or v1alpha3', [OWN]: 'v1' }

export interface Mistake {
  code: 'unknown-kind' | 'unknown-group' | 'unknown-version'
  path: 'kind' | 'apiVersion'
  message: string
  hint: string
}

/** The mistake in a document that is meant for us; `undefined` when it is not. */
export function mistakeIn(apiVersion: string, kind: string): Mistake | undefined {
  const [group = '', version = ''] = apiVersion.split('/')
  const home = groupOf(kind)
  if (Object.hasOwn(KINDS, group)) return inOurGroup(group, version, kind, home)
  const meant = home ?? groupOf(nearest(kind, readKinds) ?? '')
  if (meant === undefined || !isLike(group, meant)) return undefined
  const hint = `did you mean ${meant}/${VERSIONS[meant]!.split(/,| /)[0]}?`
  return { code: 'unknown-group', path: 'apiVersion', message: `${kind} is not a kind of ${JSON.stringify(apiVersion)}`, hint }
}

function inOurGroup(group: string, version: string, kind: string, home: string | undefined): Mistake | undefined {
  if (home === group) {
    const message = version === '' ? 'apiVersion has no version' : `${kind} has no version ${version}`
    return { code: 'unknown-version', path: 'apiVersion', message, hint: `use ${group}/ with ${VERSIONS[group]}` }
  }
  if (KINDS[group]!.includes(kind)) return undefined
  const message = `${group} has no kind ${kind}`
  if (home !== undefined) return { code: 'unknown-kind', path: 'kind', message, hint: `${kind} is a kind of ${home}/v1` }
  const near = nearest(kind, KINDS[group]!) ?? nearest(kind, readKinds)
  return near === undefined ? undefined : { code: 'unknown-kind', path: 'kind', message, hint: `did you mean ${near}?` }
}

const readKinds = [...ISTIO_KINDS.keys(), ...OWN_KINDS.keys()]

/** The group that one of the kinds that are read belongs to. */
function groupOf(kind: string): string | undefined {
  return ISTIO_KINDS.has(kind) ? ISTIO : OWN_KINDS.has(kind) ? OWN : undefined
}

/** Mistyped, or without the group; VirtualServices of other projects have groups that are nothing like ours. */
function isLike(group: string, meant: string): boolean {
  return !group.includes('.') || nearest(group, [meant]) !== undefined || (meant === ISTIO && /\bistio\b/i.test(group))
}

/** Whether a map without kind or apiVersion is meant as a rule: it has our group, a kind of ours, or the fields of a spec. */
export function isMeantAsRule(value: Readonly<Record<string, unknown>>): boolean {
  const { apiVersion } = value
  if (typeof apiVersion === 'string') {
    const group = apiVersion.split('/')[0]!
    if (group.includes('.') && Object.keys(KINDS).some(ours => isLike(group, ours))) return true
  }
  for (const text of Object.values(value)) if (typeof text === 'string' && groupOf(text) !== undefined) return true
  const names = Object.keys(value)
  if (names.includes('spec') && names.includes('metadata') && apiVersion === undefined) return true
  return names.length > 0 && readKinds.some(kind => hasFields(kind, names))
}

/** A spec that was given without its document: everything in it is a field of the kind, and what the kind needs is there. */
function hasFields(kind: string, names: readonly string[]): boolean {
  const { fields, required } = (ISTIO_KINDS.get(kind) ?? OWN_KINDS.get(kind))!
  return names.every(name => Object.hasOwn(fields, name)) && names.length > 1 && required.every(name => names.includes(name))
}
