/** `data:` URLs (RFC 2397) as axios' own adapter answers them: without a request. */
import type { Given } from './config.ts'
import { axiosError, axiosErrorFrom } from './errors.ts'
import { decodeText, nodeBuffer } from './text.ts'

const PATTERN = /^data:(?:([^,;/]+\/[^,;/]+)?((?:;[^,;=]+=[^,;]+)*)(;base64)?),([\s\S]*)$/i

/** The response, whose status is still to be judged. */
export function answerDataUrl({ own, config, method, maxContentLength }: Given): any {
  const response = { status: 200, statusText: 'OK', headers: {}, config }
  if (method !== 'GET') return { ...response, status: 405, statusText: 'method not allowed' }
  const url = String(own('url'))
  const tooLarge = () => axiosError(`maxContentLength size of ${maxContentLength} exceeded`, 'ERR_BAD_RESPONSE', config)
  // Every byte takes a character at least, but for base64, where three take four.
  if (((url.length - url.indexOf(',') - 1) * 3) / 12 > maxContentLength) throw tooLarge()
  const found = PATTERN.exec(url)
  if (found === null) throw axiosErrorFrom(axiosError('Invalid URL', 'ERR_INVALID_URL', config), 'ERR_BAD_REQUEST', config)
  const [, type, parameters = '', base64, body = ''] = found
  let bytes: Uint8Array
  try {
    bytes = base64 === undefined ? new TextEncoder().encode(decodeURIComponent(body)) : fromBase64(unescaped(body))
  } catch (error) {
    throw axiosErrorFrom(error, 'ERR_BAD_REQUEST', config)
  }
  if (bytes.byteLength > maxContentLength) throw tooLarge()
  return { ...response, data: dataOf(bytes, type === undefined ? parameters && `text/plain${parameters}` : type + parameters, own) }
}

function dataOf(bytes: Uint8Array, type: string, own: Given['own']): unknown {
  switch (own('responseType')) {
    case 'blob':
      return new (own('env')?.Blob ?? Blob)([bytes], { type })
    case 'text':
      return decodeText(bytes, own('responseEncoding'))
    case 'stream': {
      const node = globalThis.process?.getBuiltinModule?.('node:stream')
      return node === undefined ? new Blob([bytes as BlobPart]).stream() : node.Readable.from(nodeBuffer(bytes) as any)
    }
    default:
      return nodeBuffer(bytes)
  }
}

const unescaped = (text: string) => text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

/** As leniently as Node reads it. */
function fromBase64(text: string): Uint8Array {
  if (typeof Buffer !== 'undefined') return Buffer.from(text, 'base64')
  const plain = text
    .replace(/-/g, '+')
    .replace(/_/g, '/')
    .replace(/[^A-Za-z0-9+/]/g, '')
  return Uint8Array.from(atob(plain), c => c.charCodeAt(0))
}
