/** A rule of lint, and the walks over documents that several rules share. */
import type { Severity } from '../diagnostic.ts'
import { member, type RuleDocument } from '../document.ts'
import type { View } from './view.ts'

export type Report = (path: string, message: string, hint: string, severity?: Severity) => void

export interface LintRule {
  code: string
  kind: string
  check(document: RuleDocument, view: View, report: Report): void
}

/** A rule that looks at each HTTP route. */
export function eachRoute(
  code: string,
  check: (http: any, path: string, report: Report, around: { document: RuleDocument; view: View }) => void,
): LintRule {
  return {
    code,
    kind: 'VirtualService',
    check(document, view, report) {
      for (const [index, http] of (document.spec?.http ?? []).entries()) check(http, member('spec.http', index), report, { document, view })
    },
  }
}

/** A rule that looks at each traffic policy: the host's, those of subsets, those of ports. */
export function eachPolicy(
  code: string,
  check: (policy: any, path: string, report: Report, around: { document: RuleDocument; view: View; subset: any }) => void,
): LintRule {
  return {
    code,
    kind: 'DestinationRule',
    check(document, view, report) {
      const look = (policy: any, path: string, subset: any) => {
        if (policy === undefined) return
        check(policy, path, report, { document, view, subset })
        for (const [index, entry] of (policy.portLevelSettings ?? []).entries())
          check(entry, member(`${path}.portLevelSettings`, index), report, { document, view, subset })
      }
      look(document.spec?.trafficPolicy, 'spec.trafficPolicy', undefined)
      for (const [index, subset] of (document.spec?.subsets ?? []).entries())
        look(subset.trafficPolicy, `${member('spec.subsets', index)}.trafficPolicy`, subset)
    },
  }
}
