/** Bodies of the admin API that are not rules: JSON objects. */
import { parseJson, parseYaml } from '../../base/formats/yaml.ts'
import { suggest } from '../../core/schema/read.ts'
import type { BodyFormat } from './media-type.ts'
import { AdminError } from './reply.ts'
import type { AdminRequest } from './request.ts'

/**
 * The body as an object with certain fields; others it has only when `optional` lists them or is
 * absent: a misspelt `for` would mean for ever.
 */
export function fields(request: AdminRequest, required: readonly string[], optional?: readonly string[], format: BodyFormat = 'json'): any {
  let body: unknown
  try {
    body = format === 'yaml' ? parseYaml(request.body) : parseJson(request.body)
  } catch (error) {
    throw new AdminError(400, 'unreadable-body', (error as Error).message)
  }
  const hint = `expected { ${required.join(', ')} … }`
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AdminError(400, 'wrong-body', 'the body is not an object', { hint })
  for (const name of required)
    if ((body as any)[name] === undefined) throw new AdminError(400, 'wrong-body', `${name} is missing`, { hint })
  const known = optional && [...required, ...optional]
  const unknown = known && Object.keys(body).find(name => !known.includes(name))
  if (known && unknown !== undefined)
    throw new AdminError(400, 'wrong-body', `unknown field ${JSON.stringify(unknown)}`, {
      hint: suggest(unknown, known) ?? `known: ${known.join(', ')}`,
    })
  return body
}
