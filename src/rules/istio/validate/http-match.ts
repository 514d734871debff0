/** When a route applies: the conditions of an HTTP match. */
import { isToken } from '../../../base/formats/http-text.ts'
import { member } from '../document.ts'
import { type Check, isLabel } from './check.ts'

const CLAIM = /^@request\.auth\.claims(?:\..|\[.+\]$)/is
const PSEUDO = [':method', ':scheme', ':authority', ':path', ':status']

export function httpMatch(check: Check, match: any, path: string, gateways: readonly string[]): void {
  for (const field of ['uri', 'scheme', 'method', 'authority']) stringMatch(check, match[field], `${path}.${field}`, field === 'uri')
  for (const field of ['headers', 'withoutHeaders']) {
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      const at = member(`${path}.${field}`, name)
      if (CLAIM.test(name)) {
        if (gateways.length === 0 || gateways.includes('mesh'))
          check.error('gateway-only', at, 'JWT claims are matched at gateways only', 'match a header that the gateway sets')
      } else if (!PSEUDO.includes(name) && !isToken(name))
        check.error('invalid-header', at, `${JSON.stringify(name)} is no header name`, 'letters, digits and "-"')
      // The one regex that is none: in withoutHeaders "*" asks whether the header is there.
      if (field === 'headers' || (value as { regex?: string }).regex !== '*') stringMatch(check, value, at, false)
    }
  }
  for (const [name, value] of Object.entries(match.queryParams ?? {})) stringMatch(check, value, member(`${path}.queryParams`, name), false)
  if (match.port !== undefined && match.port !== 0) check.port(match.port, `${path}.port`)
  check.labels(match.sourceLabels, `${path}.sourceLabels`)
  check.gateways(match.gateways, `${path}.gateways`)
  if (match.sourceNamespace && !isLabel(match.sourceNamespace))
    check.error(
      'invalid-namespace',
      `${path}.sourceNamespace`,
      `${JSON.stringify(match.sourceNamespace)} is no namespace`,
      'letters, digits and "-"',
    )
}

/** An empty prefix matches everything, which only a path may want to say. */
export function stringMatch(check: Check, match: any, path: string, emptyPrefix: boolean): void {
  if (match?.prefix === '' && !emptyPrefix)
    check.error('empty-match', `${path}.prefix`, 'an empty prefix matches everything', 'write {} for "is present"')
  if (match?.regex === '') check.error('empty-match', `${path}.regex`, 'an empty regex', 'write ".*" for anything')
  else if (match?.regex !== undefined) check.regex(match.regex, `${path}.regex`)
}
