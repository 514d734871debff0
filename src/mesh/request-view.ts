/** A request as routing sees it, from the words a caller would give to fetch; for those who only look. */
import type { RequestView } from '../traffic/routing/request-view.ts'

export interface LookedAt extends RequestView {
  /** Name, value, name, value … */
  readonly headers: string[]
}

/** Throws a `TypeError` for a URL that is none. */
export function viewOf(method: string, url: string, headers: Headers): LookedAt {
  const { protocol, host, port, pathname, search } = new URL(url)
  return {
    method: method.toUpperCase(),
    authority: host,
    path: pathname + search,
    scheme: protocol.slice(0, -1),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
    headers: [...headers].flat(),
    header: name => headers.get(name) ?? undefined,
  }
}
