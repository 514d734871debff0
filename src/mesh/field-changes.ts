/** Which fields of a document a change touches, from what to what. */
import { copyPlain } from '../base/formats/plain-data.ts'
import { member, type RuleDocument } from '../rules/istio/document.ts'

export interface FieldChange {
  /** `spec.http[0].route[1].weight`. */
  path: string
  /** What it was; absent: it was not there. */
  from?: unknown
  /** What it becomes; absent: it is removed. */
  to?: unknown
}

/** The smallest parts in which two versions of a document differ, in their order. */
export function fieldChanges(before: RuleDocument, after: RuleDocument): FieldChange[] {
  const changes: FieldChange[] = []
  for (const part of ['apiVersion', 'metadata', 'spec'] as const) compare(before[part], after[part], part, changes)
  return changes
}

function compare(from: unknown, to: unknown, path: string, changes: FieldChange[]): void {
  if (isSame(from, to)) return
  if (Array.isArray(from) && Array.isArray(to)) compareLists(from, to, path, changes)
  else if (isMap(from) && isMap(to))
    for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) compare(from[name], to[name], member(path, name), changes)
  else changes.push({ path, ...(from !== undefined && { from: copyPlain(from) }), ...(to !== undefined && { to: copyPlain(to) }) })
}

/**
 * What is equal at both ends stays; of what is between, items of one name or else of one place
 * belong together. Another order of the same names is a change, since the first route wins.
 */
function compareLists(from: readonly unknown[], to: readonly unknown[], path: string, changes: FieldChange[]): void {
  let start = 0
  while (start < from.length && start < to.length && isSame(from[start], to[start])) start++
  let end = 0
  while (end < from.length - start && end < to.length - start && isSame(from.at(-1 - end), to.at(-1 - end))) end++
  const [old, now] = [from.slice(start, from.length - end), to.slice(start, to.length - end)]
  const partners = partnersOf(old, now)
  const order = [...partners.values()]
  if (order.some((partner, at) => at > 0 && partner < order[at - 1]!)) changes.push({ path, from: old.map(nameOf), to: now.map(nameOf) })
  for (const [at, item] of now.entries()) {
    const partner = partners.get(at)
    compare(partner === undefined ? undefined : old[partner], item, member(path, start + at), changes)
  }
  const kept = new Set(partners.values())
  for (const [at, item] of old.entries()) if (!kept.has(at)) compare(item, undefined, member(path, start + at), changes)
}

/** For each new item the old one that it was. */
function partnersOf(old: readonly unknown[], now: readonly unknown[]): Map<number, number> {
  const partners = new Map<number, number>()
  const [oldNames, newNames] = [old.map(nameOf), now.map(nameOf)]
  const isNamed = [...oldNames, ...newNames].every(name => name !== undefined)
  for (let at = 0; at < now.length; at++) {
    const partner = isNamed ? oldNames.indexOf(newNames[at]) : at
    if (partner >= 0 && partner < old.length) partners.set(at, partner)
  }
  return partners
}

function nameOf(item: unknown): string | undefined {
  const name = isMap(item) ? item['name'] : undefined
  return typeof name === 'string' ? name : undefined
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
