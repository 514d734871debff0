/** What the admin API of a mesh is told; the API itself is attached by the composition root, so that those who do not use it do not load it. */
import type { Trust } from '../core/source.ts'

export interface AdminOptions {
  /** TCP port on 127.0.0.1. Default 0: any free one, see `port` of the result. */
  port?: number | undefined
  /** What writes must present as `Authorization: Bearer …`. Without one every write is refused. At least 16 characters. */
  token?: string | undefined
  /** How far rules written through the API may reach. Default `TIGHT`: no Unix sockets, no link-local addresses, no files. */
  trust?: Trust | undefined
  /** Host names other than localhost, 127.0.0.1 and [::1] under which it may be asked, e.g. behind a port-forward. */
  hosts?: readonly string[] | undefined
  /** The longest body that is read, bytes. Default 4 MiB. */
  maxBodyBytes?: number | undefined
}

export interface AdminServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}
