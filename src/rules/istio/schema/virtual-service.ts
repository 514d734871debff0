/** VirtualService: how calls to a host are routed. */
import { destination, EXPORT_TO, exportTo, labels, stringMatch } from './common.ts'
import { boolean, bytes, duration, field, int32, list, map, message, number, oneOfNames, string, uint32 } from './field.ts'

const share = message('A percentage; four digits after the point count.', 'Percent', { value: field('0 to 100.', number) })

const headerOperations = message('Changes of headers.', 'HeaderOperations', {
  set: field('Headers with their new values; formatters such as `%REQ(x)%` are known, a percent sign is `%%`.', map(string)),
  add: field('Headers that get one more value.', map(string)),
  remove: field('Headers that are taken off.', list(string)),
})
const headers = message('Changes of headers on the way there and back.', 'HeaderChanges', {
  request: field('Of the request; `host` rewrites the authority.', headerOperations),
  response: field('Of the response.', headerOperations),
})

const httpMatch = message('Conditions that hold together.', 'HTTPMatchRequest', {
  name: field("Joined to the route's name.", string),
  uri: field('The path, without query.', stringMatch),
  scheme: field('`http` or `https`.', stringMatch),
  method: field('The method.', stringMatch),
  authority: field('The Host as the caller wrote it, port and all.', stringMatch),
  headers: field('Headers; names in lower case. Several values of a header are joined by commas.', map(stringMatch)),
  port: field('The port that is called.', uint32),
  sourceLabels: field('Labels of the caller.', labels, { note: "the mesh's `workload.labels`" }),
  gateways: field('Gateways the condition is for; `mesh` is every caller in the mesh.', list(string)),
  queryParams: field('Parameters of the query, as written.', map(stringMatch)),
  ignoreUriCase: field('Compares `uri` (exact and prefix) without regard to case.', boolean, { default: false }),
  withoutHeaders: field('Headers that must not match, or not be there.', map(stringMatch)),
  sourceNamespace: field('Namespace of the caller.', string, { note: "the mesh's `workload.namespace`" }),
  statPrefix: field('Prefix of statistics.', string, { verdict: 'ignored' }),
})

const redirect = message(
  'An answer that sends the caller elsewhere.',
  'HTTPRedirect',
  {
    uri: field('The new path.', string),
    authority: field('The new host.', string),
    port: field('The new port.', uint32),
    derivePort: field('Where the port comes from.', oneOfNames('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT')),
    scheme: field('`http` or `https`.', string),
    redirectCode: field('Status of the answer: 301, 302, 303, 307 or 308.', uint32, {
      default: 301,
      note: '304 is an error: Envoy refuses the whole configuration',
    }),
  },
  [],
  ['port', 'derivePort'],
)

const directResponse = message(
  'A fixed answer.',
  'HTTPDirectResponse',
  {
    status: field('Status of the answer.', uint32),
    body: field(
      'Body of the answer, 1 MiB at most.',
      message('A body.', 'HTTPBody', { string: field('As text.', string), bytes: field('As base64.', bytes) }, [], ['string', 'bytes']),
    ),
  },
  ['status'],
)

const retries = message('Whether and how a failed try is repeated.', 'HTTPRetry', {
  attempts: field('Retries after the first try.', int32, { default: 0 }),
  perTryTimeout: field('Time of one try, from the connection on.', duration, { default: 'the time of the route' }),
  retryOn: field('What is retried: conditions and statuses, joined by commas without blanks.', string, {
    default: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
  }),
  retryRemoteLocalities: field('Whether a retry may go to another locality.', boolean, { default: false }),
  retryIgnorePreviousHosts: field('Whether a retry avoids endpoints already tried.', boolean, {
    default: 'true, unless one hash decides',
  }),
  backoff: field('Base of the wait before a retry; it doubles up to ten times itself, of which a random part is waited.', duration, {
    default: '25ms',
  }),
})

const fault = message('Faults made on purpose, before anything else happens.', 'HTTPFaultInjection', {
  delay: field(
    'A delay.',
    message(
      'A delay.',
      'FaultDelay',
      {
        percent: field('Deprecated: share in whole percent.', int32),
        fixedDelay: field('How long.', duration),
        exponentialDelay: field('Not supported.', duration, { verdict: 'refused' }),
        percentage: field('Share of the calls.', share, { default: 'none' }),
      },
      [],
      ['fixedDelay', 'exponentialDelay'],
    ),
  ),
  abort: field(
    'An answer without calling anybody.',
    message(
      'An abort.',
      'FaultAbort',
      {
        httpStatus: field('Status of the answer.', int32),
        grpcStatus: field('Name of a gRPC status.', string),
        http2Error: field('Not supported.', string, { verdict: 'refused' }),
        percentage: field('Share of the calls.', share, { default: 'none' }),
      },
      [],
      ['httpStatus', 'grpcStatus', 'http2Error'],
    ),
  ),
})

const mirror = message(
  'A copy of requests.',
  'HTTPMirrorPolicy',
  { destination: field('Who gets it.', destination), percentage: field('Share of the requests.', share, { default: '100 %' }) },
  ['destination'],
)

const cors = message('Cross-origin requests of browsers.', 'CorsPolicy', {
  allowOrigin: field('Deprecated: origins, exactly.', list(string)),
  allowOrigins: field('Origins.', list(stringMatch)),
  allowMethods: field('Methods.', list(string)),
  allowHeaders: field('Headers a request may have.', list(string)),
  exposeHeaders: field('Headers a page may read.', list(string)),
  maxAge: field('How long the answer to a preflight holds, in whole seconds.', duration),
  allowCredentials: field('Whether cookies may be sent.', boolean),
  unmatchedPreflights: field('What becomes of a preflight that matches nothing.', oneOfNames('UNSPECIFIED', 'FORWARD', 'IGNORE'), {
    default: 'FORWARD',
  }),
})

const httpRoute = message('One rule: conditions, and what is done.', 'HTTPRoute', {
  name: field('Name of the route in outcomes and explanations.', string),
  match: field('Any of these conditions.', list(httpMatch), { default: 'every request' }),
  route: field(
    'Where the request goes; of several one is drawn by weight.',
    list(
      message(
        'A weighted destination.',
        'HTTPRouteDestination',
        {
          destination: field('The destination.', destination),
          weight: field('Share among its neighbours; a single destination needs none.', int32, { default: 0 }),
          headers: field('Changes of headers for this destination.', headers),
        },
        ['destination'],
      ),
    ),
  ),
  redirect: field('Answers with a redirect instead.', redirect, {
    note: '`mesh.fetch` follows it as fetch does, each hop a governed call',
  }),
  directResponse: field('Answers at once instead.', directResponse),
  delegate: field(
    'Hands the rest to a VirtualService without hosts.',
    message('Reference to a VirtualService.', 'Delegate', {
      name: field('Its name.', string),
      namespace: field('Its namespace.', string, { default: 'the own one' }),
    }),
  ),
  rewrite: field(
    'Changes of path and host before sending.',
    message('A rewrite.', 'HTTPRewrite', {
      uri: field('Replaces the matched part of the path: the prefix, or all of it.', string),
      authority: field('The new Host.', string),
      uriRegexRewrite: field(
        'Replaces by a regular expression.',
        message('A replacement.', 'RegexRewrite', {
          match: field('RE2.', string),
          rewrite: field('With `\\1` for the first group.', string),
        }),
      ),
    }),
  ),
  timeout: field('Time of the whole call, retries and body included.', duration, { default: 'none' }),
  retries: field('Retries.', retries, { default: "the mesh's policy, else 2 attempts" }),
  fault: field('Injected faults.', fault),
  mirror: field('Gets a copy of each request; its answers are dropped.', destination),
  mirrors: field('Several mirrors.', list(mirror)),
  mirrorPercent: field('Deprecated: share of `mirror` in whole percent.', uint32),
  mirrorPercentage: field('Share of `mirror`.', share, { default: '100 %' }),
  corsPolicy: field('Cross-origin rules.', cors),
  headers: field('Changes of headers.', headers),
})

const layer4 = {
  destinationSubnets: field('Addresses that are called.', list(string)),
  port: field('The port that is called.', uint32),
  sourceLabels: field('Labels of the caller.', labels),
  gateways: field('Gateways the condition is for.', list(string)),
  sourceNamespace: field('Namespace of the caller.', string),
}
const layer4Route = field(
  'Weighted destinations.',
  list(
    message(
      'A weighted destination.',
      'RouteDestination',
      { destination: field('The destination.', destination), weight: field('Its share.', int32) },
      ['destination'],
    ),
  ),
)
const tlsRoute = message(
  'A route of TLS connections.',
  'TLSRoute',
  {
    match: field(
      'Conditions.',
      list(
        message('Conditions on a TLS connection.', 'TLSMatchAttributes', { ...layer4, sniHosts: field('Server names.', list(string)) }, [
          'sniHosts',
        ]),
      ),
    ),
    route: layer4Route,
  },
  ['match'],
)
const tcpRoute = message('A route of TCP connections.', 'TCPRoute', {
  match: field(
    'Conditions.',
    list(
      message('Conditions on a TCP connection.', 'L4MatchAttributes', { ...layer4, sourceSubnet: field('Address of the caller.', string) }),
    ),
  ),
  route: layer4Route,
})

export const virtualService = message('How calls to some hosts are routed.', 'VirtualServiceSpec', {
  hosts: field('Hosts the rules are for; none makes the document a delegate. A wildcard stands at the beginning.', list(string)),
  gateways: field('Where the rules hold; without `mesh` among them not here.', list(string), { default: 'mesh' }),
  http: field('Routes, the first that fits counts.', list(httpRoute)),
  tls: field('Routes of TLS connections.', list(tlsRoute), { verdict: 'ignored' }),
  tcp: field('Routes of TCP connections.', list(tcpRoute), { verdict: 'ignored' }),
  exportTo: field(EXPORT_TO, exportTo, { default: '*' }),
})
