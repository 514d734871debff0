/**
 * Who may ask. A page on the web can make its own name resolve to this machine, so only names of
 * this machine are served; it can make a browser post here, so requests of other origins change
 * nothing and hold nothing open; and whoever wants to change something needs the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AdminError } from './reply.ts'
import { authorityOf, type IncomingRequest } from './request.ts'

const LOCAL = ['localhost', '127.0.0.1', '[::1]']

export class Access {
  readonly #digest: Buffer | undefined
  readonly #hosts: ReadonlySet<string>

  constructor(token: string | undefined, hosts: readonly string[]) {
    this.#digest = token === undefined ? undefined : digest(token)
    this.#hosts = new Set([...LOCAL, ...hosts.map(host => host.toLowerCase())])
  }

  /** Refuses names that are not ours. */
  checkHost(request: IncomingRequest): void {
    for (const authority of [authorityOf(request), (request.header('host') ?? '').toLowerCase()]) {
      const host = authority.replace(/:\d+$/, '')
      if (!this.#hosts.has(host))
        throw new AdminError(421, 'wrong-host', `this is not ${JSON.stringify(host)}`, {
          hint: 'ask for localhost or 127.0.0.1, or name the host in mesh.admin({ hosts })',
        })
    }
  }

  /**
   * Refuses what a page of another origin makes a browser send. Browsers say so by Sec-Fetch-Site;
   * older ones name the page's origin at least where a request may change something.
   */
  checkOrigin(request: IncomingRequest, isRead: boolean): void {
    const origin = request.header('origin')
    const isForeign = !isRead && origin !== undefined && !isOriginOf(origin, authorityOf(request))
    if (isForeign || (isFromOtherSite(request) && !(isRead && isNavigation(request))))
      throw new AdminError(403, 'foreign-origin', 'pages of other origins may not ask for this', {
        hint: 'ask from a program, e.g. with `meshless` or curl, or from a page of this address',
      })
  }

  /** Whether the right token was presented. Takes the same time whatever was presented. */
  isTrusted(request: IncomingRequest): boolean {
    const presented = /^Bearer +(.+)$/i.exec(request.header('authorization') ?? '')?.[1] ?? ''
    return this.#digest !== undefined && timingSafeEqual(digest(presented), this.#digest)
  }

  /** Refuses requests without the token. */
  checkToken(request: IncomingRequest): void {
    if (this.#digest === undefined)
      throw new AdminError(403, 'writes-are-off', 'this admin API takes no writes', {
        hint: 'start it with mesh.admin({ token })',
      })
    if (this.isTrusted(request)) return
    const message = request.header('authorization') === undefined ? 'this request needs the token' : 'the token is wrong'
    throw new AdminError(401, 'wrong-token', message, {
      hint: 'Authorization: Bearer <token>; on the command line MESHLESS_TOKEN',
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether a page of this origin was loaded from this authority. */
function isOriginOf(origin: string, authority: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host } = new URL(origin)
  const own = `${protocol}//${authority}`
  return URL.canParse(own) && new URL(own).host === host
}

function isFromOtherSite({ header }: IncomingRequest): boolean {
  const site = header('sec-fetch-site')
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/** Somebody followed a link to here. */
function isNavigation({ header }: IncomingRequest): boolean {
  return header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document'
}
