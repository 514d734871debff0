/** Who may ask: only under a name of this machine (a page on the web could make its own name point here), and writes only with the token. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AdminError, type AdminRequest } from './reply.ts'

const LOCAL = ['localhost', '127.0.0.1', '[::1]']

export class Access {
  readonly #digest: Buffer | undefined
  readonly #hosts: ReadonlySet<string>

  constructor(token: string | undefined, hosts: readonly string[]) {
    this.#digest = token === undefined ? undefined : digest(token)
    this.#hosts = new Set([...LOCAL, ...hosts.map(host => host.toLowerCase())])
  }

  /** Refuses names that are not ours. */
  host(request: AdminRequest): void {
    const host = (request.header('host') ?? '').toLowerCase().replace(/:\d+$/, '')
    if (!this.#hosts.has(host))
      throw new AdminError(421, 'wrong-host', `this is not ${JSON.stringify(host)}`, {
        hint: 'ask for localhost or 127.0.0.1, or name the host in mesh.admin({ hosts })',
      })
  }

  /** Whether the right token was presented. Takes the same time whatever was presented. */
  trusted(request: AdminRequest): boolean {
    const presented = /^Bearer +(.+)$/i.exec(request.header('authorization') ?? '')?.[1] ?? ''
    return this.#digest !== undefined && timingSafeEqual(digest(presented), this.#digest)
  }

  /** Refuses writes without the token. */
  write(request: AdminRequest): void {
    if (this.#digest === undefined)
      throw new AdminError(403, 'writes-are-off', 'this admin API takes no writes', { hint: 'start it with mesh.admin({ token })' })
    if (!this.trusted(request))
      throw new AdminError(
        401,
        'wrong-token',
        request.header('authorization') === undefined ? 'a write needs the token' : 'the token is wrong',
        {
          hint: 'Authorization: Bearer <token>; on the command line MESHLESS_TOKEN',
          headers: { 'www-authenticate': 'Bearer' },
        },
      )
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
