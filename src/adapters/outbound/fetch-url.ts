/** What of a URL goes on the wire. */

/** Path and query; a question mark with nothing behind it is kept. */
export function pathOf(url: URL): string {
  const { pathname, search } = url
  if (search !== '') return pathname + search
  const { href, hash } = url
  return href.charCodeAt(href.length - hash.length - 1) === QUESTION_MARK ? `${pathname}?` : pathname
}

const QUESTION_MARK = 63
