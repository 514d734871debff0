/** What is wrong between documents, whoever calls: two of one name, and two policies that claim the same. */
import { BLOCK_NAMES } from '../../../core/schema/policies/index.ts'
import { type Diagnostic, diagnose } from '../diagnostic.ts'
import { member, type RuleDocument } from '../document.ts'
import { fullName } from '../hosts.ts'
import { identityOf, namespaceOf } from '../select-documents.ts'

export function checkSet(documents: readonly RuleDocument[]): Diagnostic[] {
  return [...sameNames(documents), ...sameTargets(documents)]
}

/** As when they are applied one after the other: the last one counts. */
function sameNames(documents: readonly RuleDocument[]): Diagnostic[] {
  const last = new Map<string, RuleDocument>()
  for (const document of documents) {
    const identity = identityOf(document)
    if (identity !== undefined) last.set(identity, document)
  }
  return documents.flatMap(document => {
    const other = last.get(identityOf(document) ?? '')
    if (other === undefined || other === document) return []
    const message = `${document.kind} ${document.metadata.name} is there again${placeText(other, document)}: only the last one counts`
    return [diagnose(document, 'warning', 'duplicate-document', 'metadata.name', message, 'give each document a name of its own')]
  })
}

/** Where a document is, for a message about another one: its file when that is another, and its line. */
function placeText(document: RuleDocument, seenFrom: RuleDocument): string {
  const line = document.locate?.('metadata')?.line
  const source = document.origin?.source
  if (source !== undefined && source !== seenFrom.origin?.source) return ` in ${[source, line].filter(Boolean).join(':')}`
  return line === undefined ? '' : ` in line ${line}`
}

/** Of two policies for the same target the first in load order counts, block by block. */
export function sameTargets(documents: readonly RuleDocument[]): Diagnostic[] {
  const policies = documents.filter(({ kind }) => kind === 'ResiliencePolicy')
  const found: Diagnostic[] = []
  const taken = new Map<string, RuleDocument>()
  for (const policy of policies)
    for (const [index, target] of targetsOf(policy).entries())
      for (const block of BLOCK_NAMES) {
        if (policy.spec[block] === undefined) continue
        const key = `${block} ${namespaceOf(policy)} ${nameOf(target, policy)}`
        const other = taken.get(key)
        if (other === undefined) taken.set(key, policy)
        else if (other !== policy)
          found.push(
            diagnose(
              policy,
              'warning',
              'duplicate-target',
              member('spec.targets', index),
              `${block} for this target is already given by ${other.metadata.name}${placeText(other, policy)}, which counts`,
              `leave ${block} out here, or name the target more precisely`,
            ),
          )
      }
  return found
}

function targetsOf(policy: RuleDocument): any[] {
  return Array.isArray(policy.spec?.targets) ? policy.spec.targets : []
}

function nameOf(target: any, policy: RuleDocument): string {
  if (typeof target?.host !== 'string') return JSON.stringify(target) ?? ''
  const port = typeof target.port === 'object' ? target.port?.number : target.port
  return `${fullName(target.host, namespaceOf(policy), 'cluster.local')}|${target.subset ?? ''}|${port ?? ''}`
}
