/** Path normalisation as Istio's listeners have it: dot segments, `\` and needless percent signs go; `//` and `%2F` stay. */

/** The path as rules and upstreams see it; `undefined` for one that cannot be normalised (answered 400). */
export function normalizePath(target: string): string | undefined {
  return isNormal(target) ? target : normalized(target)
}

/** Nothing in the path that would be changed; the common case, in one pass. */
function isNormal(target: string): boolean {
  if (target.charCodeAt(0) !== SLASH) return false
  let before = 0
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code === QUESTION) return true
    if (code > 126 || CHANGES[code] === 1 || (code === DOT && before === SLASH)) return false
    before = code
  }
  return true
}

const SLASH = 47
const QUESTION = 63
const DOT = 46

/** Characters that are written with a percent sign, as the URL library in Envoy has them. */
const ESCAPED = /[\x01-\x20"<>^`{|}\x7f-\uffff]/
/** Codes of characters whose path has to be looked at more closely. */
const CHANGES = Uint8Array.from({ length: 127 }, (_, code) => {
  const character = String.fromCharCode(code)
  return ESCAPED.test(character) || '\0%\\#'.includes(character) ? 1 : 0
})

function normalized(target: string): string | undefined {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  const rest = query < 0 ? '' : target.slice(query)
  if (path.includes('#') || path.includes('%00') || path.includes('\0')) return undefined
  const unescaped = escaped(path.replaceAll('\\', '/')).replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return /[A-Za-z0-9\-._~]/.test(character) ? character : whole
  })
  const kept: string[] = []
  const segments = unescaped.split('/').slice(1)
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1
    if (segment === '.') {
      if (last) kept.push('')
    } else if (segment === '..') {
      kept.pop()
      if (last) kept.push('')
    } else kept.push(segment)
  })
  return `/${kept.join('/')}${rest}`
}

function escaped(path: string): string {
  if (!ESCAPED.test(path)) return path
  let text = ''
  for (const character of path) {
    if (!ESCAPED.test(character)) text += character
    else for (const byte of new TextEncoder().encode(character)) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
