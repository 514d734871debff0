/**
 * The text of rules as the bytes that go on the wire, as Envoy sends it: UTF-8. What HTTP cannot carry is a `SyntaxError` when rules are
 * compiled, so that nothing a rule wrote is refused while a request is sent.
 */
import { isAuthority, isHeaderValue, isRequestTarget, isToken, utf8Bytes } from '../../base/formats/http-text.ts'

export function headerName(name: string): string {
  if (isToken(name)) return name
  throw new SyntaxError(`header name ${JSON.stringify(name)}: expected letters, digits and !#$%&'*+-.^_\`|~`)
}

/** `what` the text is, for the error. */
export function headerBytes(text: string, what: string): string {
  const bytes = utf8Bytes(text)
  if (isHeaderValue(bytes)) return bytes
  throw new SyntaxError(`${what} ${JSON.stringify(text)}: a header cannot carry control characters; take them out`)
}

export function authorityBytes(text: string): string {
  const bytes = utf8Bytes(text)
  if (isAuthority(bytes)) return bytes
  throw new SyntaxError(`host ${JSON.stringify(text)}: expected a host, perhaps with a port, without blanks, / \\ ? #`)
}

/** A part of a request target. `what` it is, for the error. */
export function targetBytes(text: string, what: string): string {
  const bytes = utf8Bytes(text)
  if (bytes === '' || isRequestTarget(bytes)) return bytes
  throw new SyntaxError(`${what} ${JSON.stringify(text)}: a path has no blanks or control characters; write %20 for a blank`)
}

/** A name that a header reports (of a route, of an endpoint), whatever characters it has. */
export function nameBytes(name: string): string {
  return utf8Bytes(name).replace(/[^\t\x20-\x7e\x80-\xff]/g, '_')
}
