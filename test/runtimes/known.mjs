// What a runtime is known not to do, by file and the beginning of the title, each with its reason. What differs only in the words of an
// error is here too. An entry of which nothing fails any more is an error.
const WORDS = 'compares with the Response of the platform, whose messages and header filters differ'
const NO_ADMIN = 'mesh.admin() listens on a port'
const HTTP2 = "node:http2 of this runtime ends streams or hides reset codes where Node's does not"

const KNOWN = {
  'Chromium, workerd': {
    'mesh/settings.test.ts > options of the methods of a mesh > admin': NO_ADMIN,
    'mesh/unlisted.test.ts > a service that is not > is warned of': 'the transport over fetch adds a warning of its own',
    'mesh/settings.test.ts > beside an Istio sidecar': 'there is no environment to read ISTIO_META_* from',
  },
  'Chromium, workerd, Deno, Bun': { 'traffic/transport/response.test.ts > as the platform’s Response': WORDS },
  Chromium: {
    'traffic/transport/body-stream.test.ts > when the connection breaks > both branches of a tee': WORDS,
    'traffic/transport/body-stream.test.ts > a body that cannot be decoded': 'there is no zlib; the fetch of the runtime decodes',
  },
  workerd: {
    'traffic/transport/response.test.ts > the body underneath > a stream holds the peer back': 'a stream reads one chunk further ahead',
  },
  Deno: {
    'traffic/transport/fetch.test.ts > requests > a dead endpoint is UF': 'an error of its fetch has no code',
    'mesh/ungoverned.test.ts > off > errors': 'an error of its fetch has no code',
    'mesh/ungoverned.test.ts > observe > errors': 'an error of its fetch has no code',
    'mesh/ungoverned.test.ts > closed > errors': 'an error of its fetch has no code',
    'traffic/transport/node-http1.test.ts > an exchange > a body is held back': 'its sockets count what they wrote when all is written',
    'traffic/transport/node-http2-ends.test.ts': HTTP2,
    'traffic/transport/node-http2.test.ts > what goes wrong > a reset with NO_ERROR': HTTP2,
    'traffic/transport/node-tls.test.ts > SIMPLE > an IP address': 'its TLS sends an IP address as a server name',
    'traffic/transport/node-tls.test.ts > SIMPLE > the second connection resumes': 'its TLS resumes no session that is handed to it',
  },
  Bun: {
    'faults/matrix.test.ts > bodies that nobody reads > long ones whose response': 'the test cannot ask for garbage collection',
    'traffic/engine/end-of-call.test.ts > a response that is thrown away': 'the test cannot ask for garbage collection',
    'traffic/transport/node-http2-ends.test.ts': HTTP2,
    'traffic/transport/node-http2.test.ts > what goes wrong': HTTP2,
  },
}

const used = new Set()

/** The reason for a failure that is known. */
export function reasonFor(runtime, { file, name }) {
  for (const [entry, reason] of entriesOf(runtime)) {
    const [of] = entry.split(' > ', 1)
    if (!file.endsWith(of) || !name.startsWith(entry.slice(of.length + 3))) continue
    used.add(`${runtime} ${entry}`)
    return reason
  }
  return undefined
}

/** Entries of which nothing failed. */
export function unused(runtime) {
  return entriesOf(runtime)
    .map(([entry]) => entry)
    .filter(entry => !used.has(`${runtime} ${entry}`))
}

function entriesOf(runtime) {
  return Object.entries(KNOWN).flatMap(([names, entries]) => (names.split(', ').includes(runtime) ? Object.entries(entries) : []))
}
