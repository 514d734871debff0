/** Bodies of the admin API that are no rules: small objects, in JSON or YAML. */
import { parseYaml } from '../../base/formats/yaml.ts'
import { suggest } from '../../core/schema/read.ts'
import { AdminError, type AdminRequest } from './reply.ts'

/** The body as an object with certain fields; others it has only when `may` lists them or is absent: a misspelt `for` would be for ever. */
export function fields(request: AdminRequest, needed: readonly string[], may?: readonly string[]): any {
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
  const known = may && [...needed, ...may]
  const odd = known && Object.keys(body).find(name => !known.includes(name))
  if (known && odd !== undefined)
    throw new AdminError(400, 'wrong-body', `what is ${odd}?`, { hint: suggest(odd, known) ?? `known: ${known.join(', ')}` })
  return body
}
