/**
 * What a rule writes into a request or a response, held against what HTTP can carry. Istio's webhook looks at few of these; here a rule
 * that could never be sent is refused when it is read, not while a request is on its way.
 */
import { isAuthority, isHeaderValue, isRequestTarget, isToken, utf8Bytes } from '../../../base/formats/http-text.ts'
import type { Check } from './check.ts'

const ASCII = /^[\0-\x7f]*$/
/** Half of a character that UTF-16 writes in two parts: it has no bytes. */
const LONE_SURROGATE = /\p{Surrogate}/u
const COOKIE_TEXT = /^[\x20-\x3a\x3c-\x7e\u0080-\uffff]*$/

/** Headers of one connection, and of how a message is framed on it (RFC 9110, 7.6.1): they belong to whoever sends the message. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function isFramingHeader(name: string): boolean {
  return FRAMING.has(name.toLowerCase())
}

/** Whether a header can have the name at all: without blanks and control characters, which would end it. */
export function isSendableName(name: string): boolean {
  return isRequestTarget(utf8Bytes(name))
}

/** Why no header has this name; `undefined` when one can. */
export function headerNameIssue(name: string): string | undefined {
  return isToken(name) ? undefined : `${JSON.stringify(name)} is not a header name`
}

export const HEADER_NAME_HINT = "letters, digits and !#$%&'*+-.^_`|~"

/** Text that becomes the bytes of a header's value; any character but control characters. */
export function headerValue(check: Check, value: string, path: string): void {
  const issue = valueIssue(value)
  if (issue !== undefined) check.error('invalid-header-value', path, `${JSON.stringify(value)} has ${issue}`, 'one line of text')
}

function valueIssue(text: string): string | undefined {
  if (!isHeaderValue(utf8Bytes(text))) return 'control characters'
  return LONE_SURROGATE.test(text) ? 'half of a character (a lone surrogate)' : undefined
}

/** The name of a header that is only looked at: one that no request has is never found. */
export function lookedUpHeader(check: Check, name: string, path: string): void {
  if (valueIssue(name) !== undefined)
    check.error('invalid-header', path, `${JSON.stringify(name)} has control characters`, HEADER_NAME_HINT)
  else if (name !== '' && !name.startsWith(':') && !isToken(name))
    check.warn('invalid-header', path, `no request has a header ${JSON.stringify(name)}`, HEADER_NAME_HINT)
}

/** A path that is sent: it begins with a slash, and blanks, `#` and what is not ASCII are written with a percent sign. */
export function requestPath(check: Check, text: string, path: string): void {
  const wrong = [...text].find(character => !isPathCharacter(character))
  if (wrong !== undefined)
    check.error(
      'invalid-path',
      path,
      `${JSON.stringify(text)} is not a path: ${shown(wrong)} cannot be sent in one`,
      mendedPath(text, wrong),
    )
  else if (!text.startsWith('/'))
    check.error('invalid-path', path, `${JSON.stringify(text)} is not a path: a path begins with "/"`, `write /${text}`)
}

function isPathCharacter(character: string): boolean {
  return ASCII.test(character) && isRequestTarget(character) && character !== '#'
}

function shown(character: string): string {
  return character === ' ' ? 'a blank' : JSON.stringify(character)
}

function mendedPath(text: string, wrong: string): string {
  if (text.trim() === '') return 'to take a prefix off, match "/prefix/" and rewrite it to "/"'
  if (wrong === '#') return 'a fragment is never sent: leave it out, or write %23'
  return LONE_SURROGATE.test(text) ? 'whole characters' : `write ${encodeURI(text)}`
}

/**
 * What a regular expression puts into a path. A blank is Envoy's to send, and its upstreams' to refuse: the rule stays in force, and
 * requests whose path gets one are answered 503.
 */
export function pathPart(check: Check, text: string, path: string): void {
  const wrong = [...text].find(character => !isPathCharacter(character) && character !== ' ')
  if (wrong !== undefined)
    check.error('invalid-path', path, `${shown(wrong)} cannot be sent in a path`, 'write what is not ASCII with percent signs')
  else if (text.includes(' '))
    check.warn('invalid-path', path, 'a blank cannot be sent in a path: requests that get one are answered 503', 'write %20')
}

/** Where a redirect leads. It is a header's value, so what is not ASCII goes out as UTF-8. */
export function locationPath(check: Check, text: string, path: string): void {
  const issue = valueIssue(text)
  if (issue !== undefined) check.error('invalid-path', path, `${JSON.stringify(text)} has ${issue}`, 'a path such as /new')
  else if (text.includes(' ') || text.includes('\t'))
    check.warn('invalid-path', path, `${JSON.stringify(text)} has a blank, which no URL has`, `write ${encodeURI(text)}`)
}

/** A host, perhaps with a port, as a Host header has it. */
export function authority(check: Check, text: string, path: string): void {
  if (!ASCII.test(text)) check.error('invalid-host', path, `${JSON.stringify(text)} is not ASCII`, punycode(text))
  else if (!isAuthority(text) || /[@"<>\\^`{|}]/.test(text))
    check.error('invalid-host', path, `${JSON.stringify(text)} is not a host`, 'a host, perhaps with a port: api.example.com:8080')
  else if (/%(?![0-9a-fA-F]{2})/.test(text))
    check.warn('invalid-host', path, `${JSON.stringify(text)} is sent as it is: %…% means nothing in a host`, 'write the host')
}

function punycode(text: string): string {
  try {
    return `write ${new URL(`http://${text}/`).host}`
  } catch {
    return 'write its ASCII form'
  }
}

/** The name of a cookie, or of an attribute of one. */
export function cookieName(check: Check, name: string, path: string): void {
  if (!isToken(name)) check.error('invalid-cookie', path, `${JSON.stringify(name)} is not the name of a cookie`, HEADER_NAME_HINT)
}

/** A path or another value of a cookie: a semicolon would end it. */
export function cookieText(check: Check, text: string, path: string): void {
  if (!COOKIE_TEXT.test(text) || LONE_SURROGATE.test(text))
    check.error('invalid-cookie', path, `${JSON.stringify(text)} cannot stand in a cookie`, 'without ";" and control characters')
}
