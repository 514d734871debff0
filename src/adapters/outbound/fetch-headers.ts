/** Request headers as fetch takes, checks and completes them: a flat list in the caller's order and case. */
import { hasHeader, removeHeader, setHeader } from '../../base/formats/headers.ts'
import { coded, failed } from './fetch-error.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const PLAIN = /^[\t\x20-\x7e]*$/

/** Names and values in the caller's order. Lines of one name become one line, as in fetch. */
export function readHeaders(given: any): string[] {
  const flat: string[] = []
  if (given === undefined) return flat
  if (given === null || (typeof given !== 'object' && typeof given !== 'function'))
    throw new TypeError("Headers constructor: init is not of type 'sequence<sequence<ByteString>>' or 'record<ByteString, ByteString>'.")
  if (typeof given[Symbol.iterator] === 'function') {
    for (const pair of given as Iterable<unknown>) {
      const entry = typeof pair === 'object' && pair !== null ? [...(pair as Iterable<unknown>)] : []
      if (entry.length !== 2) throw new TypeError(`Headers constructor: expected name/value pair to be length 2, found ${entry.length}.`)
      add(flat, String(entry[0]), String(entry[1]))
    }
  } else for (const name of Object.keys(given)) add(flat, name, String(given[name]))
  return flat
}

function add(flat: string[], name: string, value: string): void {
  if (!TOKEN.test(name)) throw new TypeError(`Headers.append: "${name}" is an invalid header name.`)
  const text = normal(value)
  const lower = name.toLowerCase()
  if (HOP[lower]?.(text) === true) return
  for (let i = 0; i < flat.length; i += 2)
    if (flat[i]!.length === name.length && flat[i]!.toLowerCase() === lower) {
      flat[i + 1] = `${flat[i + 1]}${lower === 'cookie' ? '; ' : ', '}${text}`
      return
    }
  flat.push(name, text)
}

function normal(value: string): string {
  if (!PLAIN.test(value))
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 255)
        throw new TypeError(
          `Cannot convert argument to a ByteString because the character at index ${i} has a value of ${code} which is greater than 255.`,
        )
    }
  const text = /^[\t\n\r ]|[\t\n\r ]$/.test(value) ? value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '') : value
  if (/[\0\n\r]/.test(text)) throw new TypeError(`Headers.append: "${text}" is an invalid header value.`)
  return text
}

const refuse =
  (message: string, code = 'UND_ERR_INVALID_ARG') =>
  (): never => {
    throw failed(coded(code, message))
  }

/** Headers of the connection, which is ours. `true`: leave the line out; what asks for something that fetch cannot do is an error. */
const HOP: Record<string, (value: string) => boolean> = Object.assign(Object.create(null), {
  host: () => true,
  connection: (value: string) => /^(close|keep-alive)$/i.test(value) || refuse('invalid connection header')(),
  'keep-alive': refuse('invalid keep-alive header'),
  'transfer-encoding': refuse('invalid transfer-encoding header'),
  upgrade: refuse('invalid upgrade header'),
  expect: refuse('expect header not supported', 'UND_ERR_NOT_SUPPORTED'),
})

const DEFAULTS = [
  'accept',
  '*/*',
  'accept-language',
  '*',
  'sec-fetch-mode',
  'cors',
  'user-agent',
  'node',
  'accept-encoding',
  'gzip, deflate',
]

/** Adds what fetch sends by itself, and takes out what the transport writes. */
export function defaultHeaders(headers: string[], https: boolean, given: any): void {
  if (headers.length === 0 && !https && given.mode === undefined && given.cache === undefined && given.referrer === undefined) {
    headers.push(...DEFAULTS)
    return
  }
  removeHeader(headers, 'content-length')
  fill(headers, 'accept', '*/*')
  fill(headers, 'accept-language', '*')
  if (typeof given.referrer === 'string' && /^https?:/.test(given.referrer)) fill(headers, 'referer', given.referrer)
  setHeader(headers, 'sec-fetch-mode', given.mode ?? 'cors')
  fill(headers, 'user-agent', 'node')
  if (given.cache === 'no-cache') fill(headers, 'cache-control', 'max-age=0')
  if (given.cache === 'no-store' || given.cache === 'reload') {
    fill(headers, 'pragma', 'no-cache')
    fill(headers, 'cache-control', 'no-cache')
  }
  fill(headers, 'accept-encoding', hasHeader(headers, 'range') ? 'identity' : https ? 'br, gzip, deflate' : 'gzip, deflate')
}

function fill(headers: string[], name: string, value: string): void {
  if (!hasHeader(headers, name)) headers.push(name, value)
}
