/** Options of a fallback in a document: the answer itself, or the place that gives it. In code a fallback is a value or a function. */
import { integer, object, string } from '../option.ts'
import type { Fault } from '../read.ts'

export const fallbackFields = {
  directResponse: object('Answers with this. Either this or `destination`.', {
    status: integer('Status of the answer.', { default: 200, min: 200, max: 599 }),
    body: object('Its body. Default: empty.', {
      string: string('The body as text. Either this or `bytes`.'),
      bytes: string('The body as base64. Either this or `string`.', { pattern: /^[A-Za-z0-9+/_-]*={0,2}$/ }),
    }),
  }),
  destination: object('Asks there instead.', {
    host: string('A service, as in a VirtualService.', { required: true }),
    subset: string('A subset that a DestinationRule of the host names. Default: the whole service.'),
    port: object('Its port. Default: the only one that the host has.', {
      number: integer('Number of the port.', { required: true, min: 1, max: 65535 }),
    }),
  }),
} as const

export function fallbackFaults({ directResponse, destination }: { directResponse?: any; destination?: any }): Fault[] {
  const faults: Fault[] = []
  if ((directResponse === undefined) === (destination === undefined))
    faults.push({
      path: destination === undefined ? '' : 'destination',
      kind: destination === undefined ? 'missing' : 'value',
      message: 'a fallback is either a directResponse or a destination',
      hint: 'give one of the two',
    })
  if (directResponse?.body?.string !== undefined && directResponse.body.bytes !== undefined)
    faults.push({
      path: 'directResponse.body.bytes',
      kind: 'value',
      message: 'a body is either string or bytes',
      hint: 'give one of the two',
    })
  return faults
}
