/** The URL of an axios request, put together as axios does: baseURL, url, params. */

/** Absolute URL of a config. */
export function uriOf(config: any): string {
  const { baseURL, allowAbsoluteUrls, params, paramsSerializer } = config
  const url = config.url ?? ''
  const relative = !/^([a-z][a-z\d+\-.]*:)?\/\//i.test(url)
  const full = baseURL && (relative || allowAbsoluteUrls === false) ? combined(baseURL, url) : url
  if (!params) return full
  const options = typeof paramsSerializer === 'function' ? { serialize: paramsSerializer } : paramsSerializer
  const text = serialized(params, options)
  if (!text) return full
  const at = full.indexOf('#')
  const bare = at < 0 ? full : full.slice(0, at)
  return `${bare}${bare.includes('?') ? '&' : '?'}${text}`
}

function combined(base: string, url: string): string {
  return url === '' ? base : `${base.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`
}

interface Serializer {
  serialize?: (params: any, options: any) => string
  encode?: (value: string, encode: (value: string) => string) => string
  /** `false`: `a[]=`, `null`: `a=`, `true`: `a[0]=`. */
  indexes?: boolean | null
  dots?: boolean
}

function serialized(params: any, options: Serializer | undefined): string {
  if (options?.serialize) return options.serialize(params, options)
  if (params instanceof URLSearchParams) return params.toString()
  const pairs: [string, string][] = []
  visit(params, undefined, options ?? {}, [], pairs)
  const encode = options?.encode === undefined ? lenient : (value: string) => options.encode!(value, strict)
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

function visit(value: any, path: string[] | undefined, options: Serializer, above: object[], pairs: [string, string][]): void {
  if (above.includes(value)) throw new Error(`Circular reference detected in ${path?.join('.')}`)
  for (const [name, item] of Object.entries<any>(value)) {
    if (item === undefined || item === null) continue
    const key = name.trim()
    if (path === undefined && typeof item === 'object' && key.endsWith('{}')) pairs.push([key, JSON.stringify(item)])
    else if (path === undefined && Array.isArray(item) && !item.some(nested)) {
      const bare = key.replace(/\[\]$/, '')
      item.forEach((element, i) => {
        if (element === undefined || element === null) return
        const { indexes = false } = options
        pairs.push([indexes === true ? rendered([bare], String(i), options) : indexes === null ? bare : `${bare}[]`, textOf(element)])
      })
    } else if (nested(item)) visit(item, [...(path ?? []), key], options, [...above, value], pairs)
    else pairs.push([rendered(path, key, options), textOf(item)])
  }
}

const nested = (value: any) =>
  Array.isArray(value) || (typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value)))
const textOf = (value: any) => (value instanceof Date ? value.toISOString() : String(value))

function rendered(path: string[] | undefined, key: string, { dots = false }: Serializer): string {
  if (path === undefined) return key
  const tokens = [...path, key].map(token => token.replace(/\[\]$/, ''))
  return dots ? tokens.join('.') : tokens.map((token, i) => (i === 0 ? token : `[${token}]`)).join('')
}

const READABLE: Record<string, string> = { '%3A': ':', '%24': '$', '%2C': ',', '%20': '+' }
const lenient = (value: string) => encodeURIComponent(value).replace(/%(?:3A|24|2C|20)/gi, found => READABLE[found.toUpperCase()]!)
const strict = (value: string) =>
  encodeURIComponent(value).replace(/[!'()~]|%20/g, found => (found === '%20' ? '+' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`))
