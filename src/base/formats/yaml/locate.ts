/** Where a value was written: offsets in the parsed text, found when a report asks for them. */
import { type Alias, type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node, visit } from 'yaml'

interface Member {
  readonly key: unknown
  readonly value: unknown
}

/** Offset of the member that the steps lead to, as far as they lead. */
export function offsetOf(document: Document.Parsed, steps: readonly (string | number)[]): number | undefined {
  let node: Node | null | undefined = document.contents
  let offset = node?.range?.[0]
  for (const step of steps) {
    if (isAlias(node)) node = targetsOf(document).get(node)
    if (isMap(node) && typeof step === 'string') {
      const pair = pairsOf(node).get(step)
      if (pair === undefined) return offset
      offset = (pair.key as Node | null)?.range?.[0] ?? offset
      node = pair.value as Node | null
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step] as Node | null | undefined
      if (item === undefined) return offset
      offset = item?.range?.[0] ?? offset
      node = item
    } else return offset
  }
  return offset
}

/** The members of a map by name, for those who look for many of them. */
const membersOf = new WeakMap<object, ReadonlyMap<string, Member>>()

function pairsOf(node: { items: readonly unknown[] }): ReadonlyMap<string, Member> {
  let members = membersOf.get(node)
  if (members === undefined) {
    const found = new Map<string, Member>()
    for (const item of node.items) {
      if (!isPair(item)) continue
      const name = keyText(item.key)
      if (!found.has(name)) found.set(name, item)
    }
    membersOf.set(node, (members = found))
  }
  return members
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

/** What the aliases of a document mean: the node with that anchor which comes last before them. */
const aliasTargets = new WeakMap<Document.Parsed, ReadonlyMap<Alias, Node>>()

function targetsOf(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  let targets = aliasTargets.get(document)
  if (targets === undefined) {
    const found = new Map<Alias, Node>()
    const anchors = new Map<string, Node>()
    visit(document, {
      Node(_, node) {
        const { anchor } = node as { anchor?: string }
        if (anchor !== undefined) anchors.set(anchor, node as Node)
      },
      Alias(_, alias) {
        const target = anchors.get(alias.source)
        if (target !== undefined) found.set(alias, target)
      },
    })
    aliasTargets.set(document, (targets = found))
  }
  return targets
}
