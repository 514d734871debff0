/** Bodies of the admin API that are no rules: small objects, in JSON or YAML. */
import { parseYaml } from '../../base/formats/yaml.ts'
import { AdminError, type AdminRequest } from './reply.ts'

/** The body as an object with certain fields. */
export function fields(request: AdminRequest, needed: readonly string[]): any {
  let body: unknown
  try {
    body = parseYaml(request.body)
  } catch (error) {
    throw new AdminError(400, 'unreadable-body', (error as Error).message)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AdminError(400, 'wrong-body', 'the body is not an object', { hint: `expected { ${needed.join(', ')} … }` })
  for (const name of needed)
    if ((body as any)[name] === undefined)
      throw new AdminError(400, 'wrong-body', `${name} is missing`, { hint: `expected { ${needed.join(', ')} … }` })
  return body
}
