/** The `%…%` expressions of Envoy's substitution formatter that a process can answer: known to those who judge rules and to those who run them. */

/** Those that take no argument. */
export const FORMATTERS = [
  'PROTOCOL',
  'RESPONSE_CODE',
  'RESPONSE_CODE_DETAILS',
  'RESPONSE_FLAGS',
  'RESPONSE_FLAGS_LONG',
  'ROUTE_NAME',
  'UPSTREAM_CLUSTER',
  'UPSTREAM_CLUSTER_RAW',
  'UPSTREAM_HOST',
  'UPSTREAM_REMOTE_ADDRESS',
  'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'UPSTREAM_REMOTE_PORT',
  'UPSTREAM_REQUEST_ATTEMPT_COUNT',
  'START_TIME',
] as const

export type FormatterName = (typeof FORMATTERS)[number]

/** A piece of a header value: text, or an expression. */
export type FormatPart =
  | string
  | { readonly name: 'REQ' | 'RESP'; readonly headers: readonly string[]; readonly length: number | undefined }
  | { readonly name: FormatterName; readonly headers?: undefined; readonly length: number | undefined }

/** The known expressions, for people. */
export const KNOWN_FORMATTERS = ['%REQ(name?other)%', '%RESP(name?other)%', ...FORMATTERS.map(f => `%${f}%`)].join(', ')

/** Takes a header value apart. `unknown`: the first expression that is none of ours. */
export function parseFormat(template: string): { parts: FormatPart[]; unknown: string | undefined } {
  const parts: FormatPart[] = []
  let unknown: string | undefined
  let at = 0
  for (const match of template.matchAll(/%%|%([A-Za-z_0-9]+)(?:\(([^)]*)\))?(?::(\d+))?%|%/g)) {
    if (match.index > at) parts.push(template.slice(at, match.index))
    at = match.index + match[0].length
    const [whole, name, argument, digits] = match
    const length = digits === undefined ? undefined : Number(digits)
    if (whole === '%%') parts.push('%')
    else if ((name === 'REQ' || name === 'RESP') && argument) parts.push({ name, headers: argument.toLowerCase().split('?'), length })
    else if (argument === undefined && isFormatter(name)) parts.push({ name, length })
    else unknown ??= whole
  }
  if (at < template.length) parts.push(template.slice(at))
  return { parts, unknown }
}

const isFormatter = (name: string | undefined): name is FormatterName => (FORMATTERS as readonly (string | undefined)[]).includes(name)
