/** Where a call of fetch goes, and what of its URL goes on the wire. */

/** A URL of a request, taken apart. */
export interface Address {
  readonly https: boolean
  /** host[:port]; the scheme's own port is left out. */
  readonly authority: string
  /** `''` for the scheme's own. */
  readonly port: string
  /** Path and query, byte for byte. */
  readonly path: string
  /** Without a fragment. */
  readonly href: string
  /** For whoever must know more. */
  readonly url: URL
}

/** Takes a URL apart. `undefined`: no HTTP. Throws a `TypeError` for one that fetch refuses. */
export function addressOf(text: string): Address | undefined {
  const plain = plainAddress(text)
  if (plain !== undefined) return plain
  const url = parse(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`)
  return fromUrl(url)
}

/** The address of an HTTP URL. */
export function fromUrl(url: URL): Address {
  const { href, hash, host, port } = url
  return {
    https: url.protocol === 'https:',
    authority: host,
    port,
    path: pathOf(url),
    href: hash === '' ? href : href.slice(0, -hash.length),
    url,
  }
}

function parse(text: string): URL {
  try {
    return new URL(text)
  } catch (error) {
    throw new TypeError(`Failed to parse URL from ${text}`, { cause: error })
  }
}

/** Path and query; a question mark with nothing behind it is kept. */
function pathOf(url: URL): string {
  const { pathname, search } = url
  if (search !== '') return pathname + search
  const { href, hash } = url
  return href.charCodeAt(href.length - hash.length - 1) === QUESTION_MARK ? `${pathname}?` : pathname
}

class Plain implements Address {
  readonly https: boolean
  readonly authority: string
  readonly port: string
  readonly path: string
  readonly href: string
  constructor(https: boolean, authority: string, port: string, path: string, href: string) {
    this.https = https
    this.authority = authority
    this.port = port
    this.path = path
    this.href = href
  }
  get url(): URL {
    return new URL(this.href)
  }
}

/**
 * A URL that is written as it would be read: a name in lower case, a path of harmless characters. To see that it is one takes a fraction
 * of what parsing costs; whatever might be read otherwise than it is written is left to the parser (`undefined`).
 */
export function plainAddress(text: string): Address | undefined {
  const https = text.startsWith('https://')
  if (!https && !text.startsWith('http://')) return undefined
  const start = https ? 8 : 7
  const end = text.length
  let at = start
  let before = DOT
  let label = at
  let code = 0
  for (; at < end; at++) {
    code = text.charCodeAt(at)
    if (code === SLASH || code === COLON) break
    if (code > 127 || (KIND[code]! & NAME) === 0) return undefined
    // Empty labels, and "--" as in punycode.
    if (code === DOT || code === HYPHEN) {
      if (before === code) return undefined
      if (code === DOT) label = at + 1
    }
    before = code
  }
  // A last label that begins with a digit may be part of an IPv4 address.
  if (label >= at || text.charCodeAt(label) < LOWER_A) return undefined
  let port = ''
  if (code === COLON) {
    const colon = at
    for (at++; at < end && (code = text.charCodeAt(at)) !== SLASH; at++) if (code < DIGIT_0 || code > DIGIT_9) return undefined
    port = text.slice(colon + 1, at)
    if (port.length === 0 || port.length > 4 || port.charCodeAt(0) === DIGIT_0 || port === (https ? '443' : '80')) return undefined
  }
  const authority = text.slice(start, at)
  if (at === end) return new Plain(https, authority, port, '/', `${text}/`)
  const path = at
  let query = false
  for (; at < end; at++) {
    code = text.charCodeAt(at)
    if (code > 127 || (KIND[code]! & PATH) === 0) return undefined
    if (code === QUESTION_MARK) query = true
    else if (!query && (code === DOT ? text.charCodeAt(at - 1) === SLASH : code === PERCENT && isDot(text, at))) return undefined
  }
  return new Plain(https, authority, port, text.slice(path), text)
}

/** A dot in disguise: `%2e`. */
const isDot = (text: string, at: number) => text.charCodeAt(at + 1) === 50 && (text.charCodeAt(at + 2) | 32) === 101

const DOT = 46
const HYPHEN = 45
const SLASH = 47
const COLON = 58
const PERCENT = 37
const QUESTION_MARK = 63
const DIGIT_0 = 48
const DIGIT_9 = 57
const LOWER_A = 97

/** What a character may be part of. */
const NAME = 1
const PATH = 2
const KIND = /* @__PURE__ */ kinds()

function kinds(): Uint8Array {
  const kind = new Uint8Array(128)
  for (const c of 'abcdefghijklmnopqrstuvwxyz0123456789') kind[c.charCodeAt(0)] = NAME | PATH
  for (const c of '-.') kind[c.charCodeAt(0)] = NAME | PATH
  for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ_~!$&()*+,;=:@%/?') kind[c.charCodeAt(0)] = PATH
  return kind
}
