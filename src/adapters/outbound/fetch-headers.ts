/** Request headers as fetch takes and checks them: a flat list in the caller's order and case. */
import { isHeaderValue, isToken } from '../../base/formats/http-text.ts'
import { coded, failed } from './fetch-error.ts'

/** Always overwritten, whatever its value is. */
const FETCH_MODE = 'sec-fetch-mode'
const PLAIN = /^[\t\x20-\x7e]*$/

/** Names and values in the caller's order. Lines of one name become one line, as in fetch. */
export function readHeaders(given: any): string[] {
  const flat: string[] = []
  if (given === undefined) return flat
  if (given === null || (typeof given !== 'object' && typeof given !== 'function'))
    throw new TypeError("Headers constructor: init is not of type 'sequence<sequence<ByteString>>' or 'record<ByteString, ByteString>'.")
  let plain = true
  if (typeof given[Symbol.iterator] === 'function') {
    for (const pair of given as Iterable<unknown>) {
      const entry = typeof pair === 'object' && pair !== null ? [...(pair as Iterable<unknown>)] : []
      if (entry.length !== 2) throw new TypeError(`Headers constructor: expected name/value pair to be length 2, found ${entry.length}.`)
      plain = add(flat, `${entry[0]}`, `${entry[1]}`) && plain
    }
  } else for (const name of Object.keys(given)) plain = add(flat, name, `${given[name]}`) && plain
  return plain ? flat : sendable(flat)
}

/** Adds a line. Returns whether it can be sent without another look. */
function add(flat: string[], name: string, value: string): boolean {
  if (!isToken(name)) throw new TypeError(`Headers.append: "${name}" is an invalid header name.`)
  const isPlain = PLAIN.test(value)
  const text = isPlain && !/^[\t ]|[\t ]$/.test(value) ? value : normalized(value)
  const lower = name.toLowerCase()
  for (let i = 0; i < flat.length; i += 2)
    if (flat[i]!.length === name.length && flat[i]!.toLowerCase() === lower) {
      flat[i + 1] = `${flat[i + 1]}${lower === 'cookie' ? '; ' : ', '}${text}`
      return isPlain
    }
  flat.push(name, text)
  return isPlain && CONNECTION[lower] === undefined
}

function normalized(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 255)
      throw new TypeError(
        `Cannot convert argument to a ByteString because the character at index ${i} has a value of ${code} which is greater than 255.`,
      )
  }
  const text = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '')
  if (/[\0\n\r]/.test(text)) throw new TypeError(`Headers.append: "${text}" is an invalid header value.`)
  return text
}

/** The headers without those of the connection. What fetch takes in a Headers object but does not send is an error. */
function sendable(flat: readonly string[]): string[] {
  const headers: string[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const [name, value] = [flat[i]!, flat[i + 1]!]
    const lower = name.toLowerCase()
    if (CONNECTION[lower]?.(value) === true) continue
    if (!isHeaderValue(value) && lower !== FETCH_MODE) refuse(`invalid ${name} header`)
    headers.push(name, value)
  }
  return headers
}

function refuse(message: string, code = 'UND_ERR_INVALID_ARG'): never {
  throw failed(coded(code, message))
}

/** Headers of the connection, which is ours: left out (`true`), or an error when they ask for something that fetch cannot do. */
const CONNECTION: Record<string, (value: string) => boolean> = Object.assign(Object.create(null), {
  host: () => true,
  connection: (value: string) => /^(close|keep-alive)$/i.test(value) || refuse('invalid connection header'),
  'keep-alive': () => refuse('invalid keep-alive header'),
  'transfer-encoding': () => refuse('invalid transfer-encoding header'),
  upgrade: () => refuse('invalid upgrade header'),
  expect: () => refuse('expect header not supported', 'UND_ERR_NOT_SUPPORTED'),
})
