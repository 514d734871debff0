/**
 * The text of rules as the bytes that go on the wire, as Envoy sends it: UTF-8. What HTTP cannot carry is a `SyntaxError` when rules are
 * compiled, so that nothing a rule wrote is refused while a request is sent.
 */
import { isAuthority, isHeaderValue, isRequestTarget, isToken, utf8Bytes } from '../../base/formats/http-text.ts'

/** Names of headers that a rule writes on one side. Throws a `SyntaxError` for a name that no header can have there. */
export type NameReader = (name: string) => string

/**
 * The name of a request's header. Blanks and control characters would end it early; anything else is sent, and refused only then, as
 * Envoy does (`503 DPE`).
 */
export const requestHeaderName: NameReader = name => {
  const bytes = utf8Bytes(name)
  if (isRequestTarget(bytes)) return bytes
  throw new SyntaxError(`header name ${JSON.stringify(name)}: ${NAME}`)
}

/** The name of a response's header: callers get it in a `Headers`, which holds tokens alone. */
export const responseHeaderName: NameReader = name => {
  if (isToken(name)) return name
  throw new SyntaxError(`header name ${JSON.stringify(name)}: ${NAME}`)
}

const NAME = "expected letters, digits and !#$%&'*+-.^_`|~"

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

/**
 * What a regular expression puts into a path. With a blank in it the request fails when it is sent, as in Envoy, since whether there is one
 * depends on the path.
 */
export function substitutionBytes(substitution: string): string {
  return headerBytes(substitution, 'substitution')
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
