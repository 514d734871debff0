/** Where a route leads: destinations and how their weights add up. */
import { member } from '../document.ts'
import { type Check, isLabel } from './check.ts'

/** `path` is the route's or mirror's; the destination stands at its `field`, or is the thing itself. */
export function destination(check: Check, target: any, path: string, field = 'destination'): void {
  const at = field === '' ? path : `${path}.${field}`
  if (target === undefined) {
    check.error('required', path, 'a destination is required', 'add destination: { host: … }')
    return
  }
  if (target.host === '*') check.error('invalid-host', `${at}.host`, 'a destination cannot be "*"', 'name one service')
  else check.wildcardDomain(target.host, `${at}.host`)
  check.lowerCase(target.host, `${at}.host`)
  if (target.subset && !isLabel(target.subset))
    check.error('invalid-subset', `${at}.subset`, `${JSON.stringify(target.subset)} is no name of a subset`, 'letters, digits and "-"')
  if (target.port !== undefined) check.port(target.port.number, `${at}.port.number`)
}

/** What weights of destinations, or of endpoints, may add up to: Envoy counts in 32 bits. */
export const MOST_WEIGHT = 4_294_967_295

export function weights(check: Check, targets: readonly any[], path: string): void {
  let total = 0
  for (const [index, target] of targets.entries()) {
    const weight: number = target.weight ?? 0
    if (weight < 0) check.error('negative', `${member(path, index)}.weight`, `the weight ${weight} is negative`, 'weights are 0 or more')
    total += weight
  }
  if (total > MOST_WEIGHT)
    check.error(
      'out-of-range',
      path,
      `the weights add up to ${total}, more than ${MOST_WEIGHT}: Envoy refuses all routes`,
      'give smaller weights',
    )
  if (total === 0 && targets.length > 1)
    check.error('no-weight', path, 'the weights of the destinations add up to 0', 'give at least one destination a weight')
}
