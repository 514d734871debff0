/** Routes that never get a request, because an earlier one takes them all: valid, and hardly meant. */
import { member } from '../document.ts'
import type { Check } from './check.ts'

export function unreachable(check: Check, routes: readonly any[], path: string): void {
  let catchAll: number | undefined
  const seen: { route: number; conditions: Map<string, string>; prefix: string | undefined }[] = []
  for (const [index, route] of routes.entries()) {
    const at = member(path, index)
    if (catchAll !== undefined)
      check.warn('unreachable', at, `never used: route ${catchAll} has no match and takes everything`, 'put the route without match last')
    const matches: any[] = route.match ?? []
    if (matches.length === 0) catchAll ??= index
    for (const [place, { name: _, uri, ...others }] of matches.entries()) {
      const prefix: string | undefined = uri?.prefix
      const conditions = new Map(
        Object.entries(others).flatMap(([field, value]) => (saysNothing(field, value) ? [] : [[field, canonical(value)]])),
      )
      if (uri !== undefined && prefix === undefined) conditions.set('uri', canonical(uri))
      const earlier = seen.find(other => takesAll(other, conditions, prefix))
      if (earlier !== undefined)
        check.warn(
          'unreachable',
          member(`${at}.match`, place),
          `never used: a match of route ${earlier.route} takes the same requests first`,
          'remove it, or put the narrower match first',
        )
      else seen.push({ route: index, conditions, prefix })
    }
  }
}

/** Same conditions, or a prefix of the path with no condition the later match lacks. Fewer conditions alone are left to the reader, as in Istio. */
function takesAll(
  earlier: { conditions: Map<string, string>; prefix: string | undefined },
  conditions: Map<string, string>,
  prefix: string | undefined,
): boolean {
  if ((earlier.prefix === undefined) !== (prefix === undefined)) return false
  if (earlier.prefix === undefined && earlier.conditions.size !== conditions.size) return false
  if (earlier.prefix !== undefined && !prefix!.startsWith(earlier.prefix)) return false
  for (const [field, value] of earlier.conditions) if (conditions.get(field) !== value) return false
  return true
}

/** As if it were not written: proto3 does not know the difference. An empty string match, other than an empty map of them, asks for something. */
function saysNothing(field: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  const isMap = /headers|queryParams|sourceLabels/i.test(field)
  return !value || (isMap && Object.keys(value).length === 0)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  return `{${Object.keys(value)
    .sort()
    .map(name => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`)
    .join()}}`
}
