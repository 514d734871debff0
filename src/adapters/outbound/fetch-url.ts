/** Where a call of fetch goes, and what of its URL goes on the wire. */
import { PlatformRequest, PlatformURL } from '../../base/platform.ts'

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

/** Ports that fetch refuses to call (https://fetch.spec.whatwg.org/#port-blocking). */
const BLOCKED_PORTS = new Set(
  '1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080'.split(
    ' ',
  ),
)

export const isBlockedPort = ({ port }: Address): boolean => port !== '' && BLOCKED_PORTS.has(port)

/** Takes a URL apart. `undefined`: not HTTP. Throws a `TypeError` for one that fetch refuses. */
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
  const { href, host, port } = url
  const hash = href.indexOf('#')
  return {
    https: url.protocol === 'https:',
    authority: host,
    port,
    path: pathOf(url),
    href: hash < 0 ? href : href.slice(0, hash),
    url,
  }
}

/** A URL that is not absolute may have a base where the platform knows one; otherwise its error is the platform's. */
function parse(text: string): URL {
  try {
    return new PlatformURL(text)
  } catch {
    return new PlatformURL(new PlatformRequest(text).url)
  }
}

/** Path and query; a question mark with nothing behind it is kept. */
function pathOf(url: URL): string {
  const { pathname, search } = url
  if (search !== '') return pathname + search
  const { href } = url
  const hash = href.indexOf('#')
  return href.charCodeAt((hash < 0 ? href.length : hash) - 1) === QUESTION_MARK ? `${pathname}?` : pathname
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
    return new PlatformURL(this.href)
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
