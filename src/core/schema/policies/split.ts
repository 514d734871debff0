/** Options of a sticky split: what of a request keeps it at its destination. The names are those of Istio's consistentHash. */
import { boolean, duration, object, string } from '../option.ts'
import type { Fault } from '../read.ts'

export const splitFields = {
  by: object(
    'What keeps a caller at its destination: one of these. A request without it goes by chance.',
    {
      httpHeaderName: string('A header. Default: none.'),
      httpCookie: object('A cookie. Default: none.', {
        name: string('Its name.', { required: true }),
        path: string('Its path, when it is made here. Default: none.'),
        ttl: duration('How long a cookie made here is kept; 0s: for the session. Default: none is made.', { min: 0 }),
      }),
      useSourceIp: boolean('The address of the caller: the last one of X-Forwarded-For, or our own. Default: it is not looked at.'),
      httpQueryParameterName: string('A query parameter. Default: none.'),
    },
    { required: true },
  ),
} as const

export function splitFaults({ by }: { by: Record<string, unknown> }): Fault[] {
  const given = Object.keys(by).filter(name => by[name] !== undefined && by[name] !== false)
  if (given.length === 1) return []
  const names = Object.keys(splitFields.by.fields ?? {})
  const what = given.length === 0 ? 'something to go by' : 'only one thing to go by'
  return [
    {
      path: 'by',
      kind: given.length === 0 ? 'missing' : 'value',
      message: `a split needs ${what}`,
      hint: `give one of ${names.join(', ')}`,
    },
  ]
}
