/**
 * Which bodies are read. A web page can make a browser send forms and `text/plain` to any
 * address without asking first, so these never count as JSON or YAML.
 */
import { AdminError } from './reply.ts'
import type { IncomingRequest } from './request.ts'

/** What a body may be written in. A JSON text is YAML too. */
export type BodyFormat = 'json' | 'yaml'

const JSON_TYPES = /^application\/(?:[\w.-]+\+)?json$/
const YAML_TYPES = /^(?:application|text)\/(?:x-)?yaml$|^application\/[\w.-]+\+yaml$/

/** Throws an `AdminError` (415) when the body is declared to be something else. */
export function checkMediaType({ header }: IncomingRequest, format: BodyFormat): void {
  const encoding = header('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') throw unsupported(`content-encoding ${JSON.stringify(encoding)}`, 'send the body uncompressed')
  const written = header('content-type')
  // No browser leaves it out without naming its origin, which was checked before.
  if (written === undefined) return
  const type = written.split(';', 1)[0]!.trim().toLowerCase()
  if (JSON_TYPES.test(type) || (format === 'yaml' && YAML_TYPES.test(type))) return
  const expected = format === 'yaml' ? 'application/json or application/yaml' : 'application/json'
  throw unsupported(`content-type ${JSON.stringify(written)}`, `expected ${expected}`)
}

function unsupported(what: string, hint: string): AdminError {
  return new AdminError(415, 'unsupported-media-type', `${what} is not supported`, { hint })
}
