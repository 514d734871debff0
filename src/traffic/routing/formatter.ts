/**
 * `%…%` in header values, as Envoy's substitution formatter writes it. What is absent is empty, and an empty header is not sent. Only what a
 * caller in this process can know is known; the rest is an error when rules are read, not a wrong header later.
 */
import type { Outcome } from '../../core/outcome.ts'
import { type FormatPart, type FormatterName, KNOWN_FORMATTERS, parseFormat } from '../../envoy/formatters.ts'
import { headerValue } from './match.ts'
import type { RequestView } from './request-view.ts'
import { headerBytes, nameBytes } from './rule-text.ts'

/** What formatters look at. */
export interface Formatted extends RequestView {
  readonly headers: readonly string[]
  readonly outcome: Outcome
  /** The answer's headers, once there is one. */
  readonly responseHeaders: readonly string[] | undefined
  /** When the request began, ms since the epoch. */
  startTime(): number
}

type Part = (of: Formatted) => string

/** Compiles a header value. Throws a `SyntaxError` for a formatter that we lack, and for text that no header can carry. */
export function formatter(template: string): Part {
  const bytes = headerBytes(template, 'header value')
  if (!template.includes('%')) return () => bytes
  const { parts, unknown } = parseFormat(bytes)
  if (unknown !== undefined)
    throw new SyntaxError(
      `header value ${JSON.stringify(template)}: ${unknown} is not known here; known are ${KNOWN_FORMATTERS}; write %% for a percent sign`,
    )
  const compiled = parts.map(partOf)
  if (compiled.length === 1) return compiled[0]!
  return of => {
    let text = ''
    for (const part of compiled) text += part(of)
    return text
  }
}

function partOf(part: FormatPart): Part {
  if (typeof part === 'string') return () => part
  const { headers, length } = part
  const value =
    part.headers === undefined
      ? VALUES[part.name as FormatterName]
      : (of: Formatted) => {
          for (const name of headers!) {
            const found = part.name === 'REQ' ? ofRequest(of, name) : ofResponse(of, name)
            if (found !== undefined) return found
          }
          return ''
        }
  return length === undefined ? value : of => value(of).slice(0, length)
}

/** The first line of a header; several are not joined here. */
function line(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.length === name.length && headers[i]!.toLowerCase() === name) return headers[i + 1]
  return undefined
}

const ofRequest = (of: Formatted, name: string) =>
  name.startsWith(':') || name === 'host' ? headerValue(of, name) : line(of.headers, name)
const ofResponse = (of: Formatted, name: string) =>
  name === ':status' ? String(of.status ?? 0) : of.responseHeaders === undefined ? undefined : line(of.responseHeaders, name)

const withoutPort = (address: string) => address.slice(0, address.lastIndexOf(':') < 0 ? undefined : address.lastIndexOf(':'))

const LONG: Record<string, string> = {
  UH: 'NoHealthyUpstream',
  UF: 'UpstreamConnectionFailure',
  UO: 'UpstreamOverflow',
  NR: 'NoRouteFound',
  URX: 'UpstreamRetryLimitExceeded',
  NC: 'NoClusterFound',
  UC: 'UpstreamConnectionTermination',
  UR: 'UpstreamRemoteReset',
  UT: 'UpstreamRequestTimeout',
  UPE: 'UpstreamProtocolError',
  LR: 'LocalReset',
  DC: 'DownstreamConnectionTermination',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  RL: 'RateLimited',
}

const VALUES: Record<FormatterName, Part> = {
  PROTOCOL: () => 'HTTP/1.1',
  RESPONSE_CODE: of => String(of.status ?? 0),
  RESPONSE_CODE_DETAILS: of => nameBytes(of.outcome.details.replaceAll(' ', '_')),
  RESPONSE_FLAGS: of => of.outcome.flags || '-',
  RESPONSE_FLAGS_LONG: of =>
    of.outcome.flags
      .split(',')
      .map(f => LONG[f] ?? f)
      .join(',') || '-',
  ROUTE_NAME: of => nameBytes(of.outcome.route),
  UPSTREAM_CLUSTER: of => nameBytes(of.outcome.cluster),
  UPSTREAM_CLUSTER_RAW: of => nameBytes(of.outcome.cluster),
  UPSTREAM_HOST: of => nameBytes(of.outcome.endpoint),
  UPSTREAM_REMOTE_ADDRESS: of => nameBytes(of.outcome.endpoint),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: of => nameBytes(withoutPort(of.outcome.endpoint)),
  UPSTREAM_REMOTE_PORT: of => nameBytes(of.outcome.endpoint.slice(of.outcome.endpoint.lastIndexOf(':') + 1)),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: of => String(of.outcome.attempts),
  START_TIME: of => new Date(of.startTime()).toISOString(),
}
