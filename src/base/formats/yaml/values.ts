/** Turns the nodes of one document into values, counting what it costs. */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode } from 'yaml'
import { type Bounds, tooDeep, tooManyFaults } from './document.ts'
import type { ParseFault } from './parse.ts'

type MaybeNode = Node | null | undefined

/** The value of a document, or what is wrong with it. `text` is what it was parsed from. */
export function readValue(document: Document.Parsed, text: string, bounds: Bounds): { value: unknown; faults: ParseFault[] } {
  const reader = new ValueReader(text, bounds)
  let value: unknown
  try {
    value = reader.value(document.contents as ParsedNode | null, 0)
  } catch (error) {
    if (!(error instanceof Stop)) reader.faults.push({ message: String((error as Error).message), offset: 0 })
  }
  return { value: reader.faults.length > 0 ? undefined : value, faults: reader.faults }
}

class Stop extends Error {}

class ValueReader {
  readonly faults: ParseFault[] = []
  readonly #text: string
  readonly #bounds: Bounds
  /** The nodes with an anchor so far: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>()
  #aliased = 0
  #inAlias = 0

  constructor(text: string, bounds: Bounds) {
    this.#text = text
    this.#bounds = bounds
  }

  value(node: MaybeNode, depth: number): unknown {
    if (this.#inAlias === 0) this.#remember(node)
    if (depth > this.#bounds.depth) this.#stop(tooDeep(this.#bounds), node)
    if (this.#inAlias > 0 && ++this.#aliased > this.#bounds.aliased)
      this.#stop(`aliases expand to more than ${this.#bounds.aliased} values`, node)
    if (isScalar(node)) return node.value
    if (isAlias(node)) return this.#alias(node, depth)
    if (isSeq(node)) return node.items.map(item => this.#colonAtEnd(item) ?? this.value(item as Node, depth + 1))
    if (isMap(node)) return this.#map(node, depth)
    return null
  }

  #remember(node: MaybeNode): void {
    const anchor = (node as { anchor?: string } | null | undefined)?.anchor
    if (anchor !== undefined && node) this.#anchors.set(anchor, node)
  }

  #map(node: Node & { items: { key: unknown; value: unknown }[] }, depth: number): Record<string, unknown> {
    const object = Object.create(null) as Record<string, unknown>
    const merged: Record<string, unknown>[] = []
    for (const { key, value } of node.items) {
      if (isMergeKey(key)) for (const from of this.#merges(value as Node, depth)) merged.push(from)
      else {
        const name = this.#key(key as Node)
        if (name in object) this.#fault(`the key ${JSON.stringify(name)} is there twice`, key as Node)
        object[name] = this.value(value as Node, depth + 1)
      }
    }
    for (const from of merged) for (const name of Object.keys(from)) if (!(name in object)) object[name] = from[name]
    return object
  }

  #merges(node: Node, depth: number): Record<string, unknown>[] {
    const value = this.value(node, depth + 1)
    const all = Array.isArray(value) ? value : [value]
    if (all.every(isObject)) return all
    this.#fault('"<<" merges maps only', node)
    return []
  }

  /** `[fd00::]` is an address to Istio's parser, a map with the key `fd00:` to YAML 1.2: a colon ends a key only before a blank. */
  #colonAtEnd(item: unknown): string | undefined {
    if (!isMap(item) || item.items.length !== 1) return undefined
    const { key, value } = item.items[0]!
    if (!isScalar(key) || key.type !== 'PLAIN' || !key.range || (isScalar(value) ? value.source : value)) return undefined
    const end = key.range[1]
    if (item.range?.[0] !== key.range[0] || !/^:[,\]}]/.test(this.#text.slice(end, end + 2))) return undefined
    return `${key.source}:`
  }

  #key(node: Node | null): string {
    if (this.#inAlias === 0) this.#remember(node)
    const target = isAlias(node) ? this.#anchors.get(node.source) : node
    if (target === null || target === undefined) return 'null'
    if (isScalar(target)) return String(target.value)
    this.#fault('a key must be plain text', node)
    return ''
  }

  #alias(node: Node & { source: string }, depth: number): unknown {
    const target = this.#anchors.get(node.source)
    if (target === undefined) return this.#stop('unresolved alias', node)
    this.#inAlias++
    const value = this.value(target, depth + 1)
    this.#inAlias--
    return value
  }

  #fault(message: string, node: MaybeNode): void {
    if (this.faults.length >= this.#bounds.faults) this.#stop(tooManyFaults(this.#bounds), node)
    this.faults.push({ message, offset: node?.range?.[0] ?? 0 })
  }

  #stop(message: string, node: MaybeNode): never {
    this.faults.push({ message, offset: node?.range?.[0] ?? 0 })
    throw new Stop()
  }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && (key.source === '<<' || key.value === '<<' || typeof key.value === 'symbol')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
