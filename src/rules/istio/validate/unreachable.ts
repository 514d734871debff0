/** Routes that never get a request, because an earlier one takes them all: valid, and hardly meant. */
import { member } from '../document.ts'
import type { Check } from './check.ts'

export function unreachable(check: Check, routes: readonly any[], path: string): void {
  let catchAll: number | undefined
  const seen = new Map<string, number>()
  const prefixes: { prefix: string; route: number }[] = []
  for (const [index, route] of routes.entries()) {
    const at = member(path, index)
    if (catchAll !== undefined) check.warn('unreachable', at, `never used: route ${catchAll} has no match and takes everything`, 'put the route without match last')
    const matches: any[] = route.match ?? []
    if (matches.length === 0) catchAll ??= index
    for (const [place, match] of matches.entries()) {
      const { name: _, ...conditions } = match
      const key = canonical(conditions)
      const prefix = Object.keys(conditions).length === 1 ? (conditions.uri?.prefix as string | undefined) : undefined
      const earlier = seen.get(key) ?? (prefix === undefined ? undefined : prefixes.find(other => other.route !== index && prefix.startsWith(other.prefix))?.route)
      if (earlier !== undefined) check.warn('unreachable', member(`${at}.match`, place), `never used: route ${earlier} matches the same requests first`, 'remove it, or put the narrower match first')
      else seen.set(key, index)
      if (prefix !== undefined) prefixes.push({ prefix, route: index })
    }
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  return `{${Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`).join()}}`
}
