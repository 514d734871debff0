/** Where an axios request goes: baseURL, url and params put together as axios does it. */
import type { Given } from './config.ts'
import { axiosError, axiosErrorFrom } from './errors.ts'
import { serializeParams } from './params.ts'

/** baseURL and url, not parsed yet. Throws where axios does. */
export function fullUrl({ own, config }: Given): string {
  const url = own('url') ?? ''
  const baseURL = own('baseURL')
  needSlashes(url, config)
  const relative = !/^([a-z][a-z\d+\-.]*:)?\/\//i.test(String(url))
  if (!baseURL || !(relative || own('allowAbsoluteUrls') === false)) return String(url)
  needSlashes(baseURL, config)
  const base = String(baseURL)
  if (url === '') return base
  let end = base.length
  while (end > 0 && base[end - 1] === '/') end--
  return `${base.slice(0, end)}/${String(url).replace(/^\/+/, '')}`
}

/** `https:host` reads as a path to some and as a host to others. The message shows no credentials and no query. */
function needSlashes(url: unknown, config: any): void {
  if (typeof url !== 'string') return
  const text = url.replace(/^[\0-\x20]+/, '').replace(/[\t\n\r]/g, '')
  if (!/^https?:(?!\/\/)/i.test(text)) return
  const shown = text.replace(/[?#].*$/, '').replace(/^(https?:\/?)[^/]*@/i, '$1')
  throw axiosError(`Invalid URL ${JSON.stringify(shown)}: missing "//" after protocol`, 'ERR_INVALID_URL', config)
}

/** Path and query with the params. */
export function pathOf(url: URL, { own, config }: Given): string {
  let path: string
  try {
    path = withParams(url.pathname + url.search, own('params'), own('paramsSerializer')).replace(/^\?/, '')
  } catch (error: any) {
    throw Object.assign(axiosErrorFrom(error, 'ERR_BAD_REQUEST', config), { url: own('url'), exists: true })
  }
  if (/[^\x21-\xff]/.test(path))
    throw Object.assign(new TypeError('Request path contains unescaped characters'), { code: 'ERR_UNESCAPED_CHARACTERS' })
  return path
}

function withParams(path: string, params: any, serializer: any): string {
  if (!params) return path
  const text = serializeParams(params, typeof serializer === 'function' ? { serialize: serializer } : serializer)
  return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path
}
