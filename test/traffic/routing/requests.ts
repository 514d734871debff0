/** Requests as routing sees them, made for tests; and what the generators of the tests of this folder share. */
import fc from 'fast-check'
import { getHeader } from '../../../src/base/formats/headers.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import type { Formatted } from '../../../src/traffic/routing/formatter.ts'
import type { Outgoing } from '../../../src/traffic/routing/rewrite.ts'

export const noOutcome = (): Outcome => ({
  flags: '',
  details: '',
  route: '',
  cluster: '',
  endpoint: '',
  attempts: 0,
  durations: { headers: 0, total: undefined },
  error: undefined,
})

export function requestOf(given: Partial<Formatted> & { headers?: string[] } = {}): Outgoing {
  const headers = given.headers ?? []
  return {
    method: 'GET',
    authority: 'a.test',
    path: '/',
    scheme: 'http',
    port: 80,
    status: 0,
    outcome: noOutcome(),
    responseHeaders: undefined,
    startTime: () => 0,
    header: name => getHeader(headers, name),
    ...given,
    headers,
  }
}

/** Few letters, so that conditions meet. */
export const segment = fc.constantFrom('a', 'b', 'ab', 'A', 'x1')
export const path = fc.array(segment, { maxLength: 4 }).chain(parts => fc.constantFrom(`/${parts.join('/')}`, `/${parts.join('/')}/`))
export const query = fc.constantFrom('', '?', '?q', '?q=1', '?p=2&q=1', '?q=1&q=2', '?Q=1')
export const headerLines = fc
  .array(fc.tuple(fc.constantFrom('x-a', 'X-A', 'x-b', 'x-long'), fc.constantFrom('', 'v', 'V', 'vw', 'w,v')), { maxLength: 4 })
  .map(pairs => pairs.flat())
