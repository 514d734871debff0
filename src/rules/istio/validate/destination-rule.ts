/** Istio's rules for a DestinationRule as a whole: its host, its subsets, whom it is for. */
import { member } from '../document.ts'
import { type Check, isLabel } from './check.ts'
import { trafficPolicy } from './traffic-policy.ts'

export function destinationRule(check: Check, spec: any): void {
  check.wildcardDomain(spec.host, 'spec.host')
  check.lowerCase(spec.host, 'spec.host')
  if (spec.trafficPolicy !== undefined) trafficPolicy(check, spec.trafficPolicy, 'spec.trafficPolicy')
  const names = new Set<string>()
  for (const [index, subset] of (spec.subsets ?? []).entries()) {
    const path = member('spec.subsets', index)
    const name: string = subset.name ?? ''
    if (!isLabel(name))
      check.error(
        'invalid-subset',
        `${path}.name`,
        name === '' ? 'a subset needs a name' : `${JSON.stringify(name)} is no name of a subset`,
        'letters, digits and "-"',
      )
    if (names.has(name)) check.error('duplicate', `${path}.name`, `the subset ${name} is there twice`, 'name each subset once')
    names.add(name)
    check.labels(subset.labels, `${path}.labels`)
    if (subset.trafficPolicy !== undefined) trafficPolicy(check, subset.trafficPolicy, `${path}.trafficPolicy`)
  }
  check.exportTo(spec.exportTo, 'spec.exportTo', false)
  if (spec.workloadSelector !== undefined) selector(check, spec)
}

function selector(check: Check, spec: any): void {
  check.selector(spec.workloadSelector.matchLabels ?? {}, 'spec.workloadSelector.matchLabels', 'every workload')
  if (spec.exportTo?.length > 1)
    check.error('invalid-export', 'spec.exportTo', 'a rule with a workloadSelector is for one namespace only', 'use exportTo: ["."]')
  else if (spec.exportTo?.length === 1 && spec.exportTo[0] !== '.' && spec.exportTo[0] !== check.namespace)
    check.error('invalid-export', 'spec.exportTo', 'a rule with a workloadSelector is for its own namespace only', 'use exportTo: ["."]')
}
