/** What is read of an axios config: own fields only, so that a polluted Object.prototype sets nothing; what cannot be honoured is refused. */
import { axiosError, versionOf } from './errors.ts'
import { ownOf } from './own.ts'
import { type RequestHeaders, requestHeaders } from './request-headers.ts'

export interface Given {
  /** The config itself, for errors and the response. */
  readonly config: any
  readonly own: (name: string) => any
  readonly method: string
  readonly headers: RequestHeaders
  /** `Infinity` for none. */
  readonly maxBodyLength: number
  readonly maxContentLength: number
}

const ELSEWHERE = 'requests go through the connections of the mesh'
/** What speaks of a connection that is not axios' own here, and where it is said instead. */
const REFUSED: Readonly<Record<string, string>> = {
  socketPath: `${ELSEWHERE}; give the path as the address of an endpoint`,
  lookup: `${ELSEWHERE}; give the mesh endpoints, or a resolver`,
  family: `${ELSEWHERE}; give the mesh endpoints, or a resolver`,
  transport: ELSEWHERE,
  http2Options: 'the protocol of a host is said by the rules, as the protocol of its port',
  insecureHTTPParser: ELSEWHERE,
}
/** Options of connections that most instances have for reasons that do not matter here: they have no effect. */
const WITHOUT_EFFECT = ['httpAgent', 'httpsAgent'] as const

export function readConfig(config: any): Given {
  const own = (name: string) => ownOf(config, name)
  refuse(config, own)
  return {
    config,
    own,
    method: String(own('method') ?? 'get').toUpperCase(),
    headers: requestHeaders(config, versionOf(config)),
    maxBodyLength: own('maxBodyLength') > -1 ? own('maxBodyLength') : Infinity,
    maxContentLength: own('maxContentLength') > -1 ? own('maxContentLength') : Infinity,
  }
}

function refuse(config: any, own: (name: string) => any): void {
  const no = (what: string, why: string) => axiosError(`${what} cannot be honoured: ${why}`, 'ERR_NOT_SUPPORT', config)
  for (const name in REFUSED) {
    const value = own(name)
    if (value !== undefined && value !== null && value !== false) throw no(name, REFUSED[name]!)
  }
  const proxy = own('proxy')
  if (typeof proxy === 'object' && proxy !== null) throw no('proxy', `${ELSEWHERE}; leave it out or set proxy: false`)
  const version = own('httpVersion')
  if (version !== undefined && Number(version) !== 1) throw no(`httpVersion ${version}`, REFUSED['http2Options']!)
  for (const name of WITHOUT_EFFECT) if (own(name)) warnOnce(name)
}

const warned = new Set<string>()
function warnOnce(name: string): void {
  if (warned.has(name)) return
  warned.add(name)
  globalThis.process?.emitWarning?.(`${name} has no effect under mesh.axios(): ${ELSEWHERE}, and TLS is what the rules say`, {
    type: 'MeshlessWarning',
    code: 'MESHLESS_AXIOS_AGENT',
  })
}
