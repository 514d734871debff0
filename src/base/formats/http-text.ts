/**
 * What HTTP can carry. Text on the wire is bytes; in this project a header list holds them as fetch and Node do, one character up to
 * `\xff` for each byte. Text of rules is Unicode and becomes bytes once, when rules are compiled, as Envoy sends it: UTF-8.
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TARGET = /^[\x21-\x7e\x80-\xff]+$/
const AUTHORITY = /^[\x21-\x7e\x80-\xff]*$/
const ASCII = /^[\0-\x7f]*$/
const encoder = new TextEncoder()

/** A method or the name of a header (RFC 9110, 5.6.2). */
export const isToken = (text: string): boolean => TOKEN.test(text)

/** The bytes of a header's value: no control characters but the tab (RFC 9110, 5.5). */
export const isHeaderValue = (bytes: string): boolean => VALUE.test(bytes)

/** The bytes of a request target, path and query: no blanks, no control characters. */
export const isRequestTarget = (bytes: string): boolean => TARGET.test(bytes)

/** The bytes of a Host header or `:authority`: a blank or a slash in it would end it for one reader and not for another. */
export const isAuthority = (bytes: string): boolean => AUTHORITY.test(bytes) && !/[/\\?#]/.test(bytes)

/** Unicode text as the bytes of its UTF-8. */
export function utf8Bytes(text: string): string {
  if (ASCII.test(text)) return text
  let bytes = ''
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte)
  return bytes
}

const decoder = new TextDecoder()

/** The text of which these bytes are the UTF-8. */
export function utf8Text(bytes: string): string {
  return ASCII.test(bytes) ? bytes : decoder.decode(Uint8Array.from(bytes, character => character.charCodeAt(0)))
}
