/** Query parameters of an axios config as text, by its `paramsSerializer`. */
import { axiosError } from './errors.ts'
import { ownOf } from './own.ts'

const MAX_DEPTH = 100

interface Settings {
  /** `false`: `a[]=`, `null`: `a=`, `true`: `a[0]=`. */
  readonly indexes: boolean | null
  readonly dots: boolean
  readonly metaTokens: boolean
  readonly maxDepth: number
  readonly visitor: ((this: Pairs, value: any, key: string, path: string[] | undefined, helpers: object) => boolean) | undefined
}

export function serializeParams(params: any, options: any): string {
  const own = (name: string) => ownOf(options, name)
  const serialize = own('serialize')
  if (serialize) return serialize(params, options)
  if (params instanceof URLSearchParams) return params.toString()
  const pairs = new Pairs({
    indexes: own('indexes') === undefined ? false : own('indexes'),
    dots: own('dots') ?? false,
    metaTokens: own('metaTokens') ?? true,
    maxDepth: own('maxDepth') ?? MAX_DEPTH,
    visitor: own('visitor'),
  })
  pairs.visit(params, undefined, 0)
  const encode = own('encode')
  const coded = encode === undefined ? lenient : (value: string) => encode.call(pairs, value, strict)
  return pairs.list.map(([name, value]) => `${coded(name)}=${coded(value as string)}`).join('&')
}

class Pairs {
  readonly list: [name: string, value: unknown][] = []
  readonly #settings: Settings
  readonly #above: object[] = []
  readonly #helpers = {
    isVisitable,
    convertValue,
    defaultVisitor: (value: any, key: string, path: string[] | undefined) => this.#take(value, key, path),
  }

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** What a visitor of the caller's adds. */
  append(name: string, value: unknown): void {
    this.list.push([name, value])
  }

  visit(value: any, path: string[] | undefined, depth: number): void {
    const { visitor } = this.#settings
    this.#checkDepth(depth)
    if (this.#above.includes(value)) throw new Error(`Circular reference detected in ${path?.join('.')}`)
    this.#above.push(value)
    for (const [name, item] of Object.entries<any>(value)) {
      if (item === undefined || item === null) continue
      const key = name.trim()
      const goesOn = visitor === undefined ? this.#take(item, key, path) : visitor.call(this, item, key, path, this.#helpers)
      if (goesOn === true) this.visit(item, [...(path ?? []), key], depth + 1)
    }
    this.#above.pop()
  }

  /** Whether the value has parts to be visited; otherwise it is in the list. */
  #take(value: any, key: string, path: string[] | undefined): boolean {
    const { indexes, metaTokens } = this.#settings
    if (path === undefined && typeof value === 'object') {
      if (key.endsWith('{}')) {
        this.append(metaTokens ? key : key.slice(0, -2), this.#json(value))
        return false
      }
      const isList = Array.isArray(value) && !value.some(isVisitable)
      if (isList || (key.endsWith('[]') && isIterable(value))) {
        const bare = withoutBrackets(key)
        ;[...value].forEach((element, i) => {
          if (element === undefined || element === null) return
          const name = indexes === true ? this.#name([bare], String(i)) : indexes === null ? bare : `${bare}[]`
          this.append(name, convertValue(element))
        })
        return false
      }
    }
    if (isVisitable(value)) return true
    this.append(this.#name(path, key), convertValue(value))
    return false
  }

  #name(path: string[] | undefined, key: string): string {
    if (path === undefined) return key
    const tokens = [...path, key].map(withoutBrackets)
    return this.#settings.dots ? tokens.join('.') : tokens.map((token, i) => (i === 0 ? token : `[${token}]`)).join('')
  }

  #json(value: object): string {
    const above: unknown[] = []
    const checkDepth = this.#checkDepth.bind(this)
    return JSON.stringify(value, function (this: unknown, _key, part) {
      if (typeof part !== 'object' || part === null) return part
      while (above.length > 0 && above.at(-1) !== this) above.pop()
      above.push(part)
      checkDepth(above.length)
      return part
    })
  }

  #checkDepth(depth: number): void {
    const { maxDepth } = this.#settings
    if (depth <= maxDepth) return
    throw axiosError(`Object is too deeply nested (${depth} levels). Max depth: ${maxDepth}`, 'ERR_FORM_DATA_DEPTH_EXCEEDED', undefined)
  }
}

function isVisitable(value: any): boolean {
  if (Array.isArray(value)) return true
  return typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value))
}

const isIterable = (value: any) => typeof value[Symbol.iterator] === 'function'

function convertValue(value: any): string {
  if (value === null) return ''
  return value instanceof Date ? value.toISOString() : String(value)
}

const withoutBrackets = (key: string) => (key.endsWith('[]') ? key.slice(0, -2) : key)

const READABLE: Record<string, string> = { '%3A': ':', '%24': '$', '%2C': ',', '%20': '+' }
const lenient = (value: string) => encodeURIComponent(value).replace(/%(?:3A|24|2C|20)/gi, found => READABLE[found.toUpperCase()]!)
const strict = (value: string) =>
  encodeURIComponent(value).replace(/[!'()~]|%20/g, found => (found === '%20' ? '+' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`))
