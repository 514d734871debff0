/** What the admin API of a mesh is told; the API itself is attached by the composition root, so that those who do not use it do not load it. */
import { array, type InputOf, integer, object, size, string } from '../core/schema/index.ts'
import { tightTrustFields } from '../core/trust.ts'

export const adminFields = {
  port: integer('TCP port on 127.0.0.1; 0: any free one, see `port` of the result.', { default: 0, min: 0, max: 65_535 }),
  token: string('What writes and plans must present as `Authorization: Bearer …`, at least 16 characters. Without one they are refused.'),
  trust: object(
    'How far rules written through the API may reach. What is left out is as in `TIGHT`: no Unix sockets, no link-local addresses, no files, all hosts.',
    tightTrustFields,
    { default: {} },
  ),
  hosts: array(
    'Host names other than localhost, 127.0.0.1 and [::1] under which it may be asked, e.g. behind a port-forward.',
    string(''),
    {
      default: [],
    },
  ),
  maxBodyBytes: size('The longest body that is read.', { default: '4Mi' }),
} as const

/** Options of `mesh.admin`. A wrong one throws an `OptionsError` that names every fault. */
export interface AdminOptions extends InputOf<typeof adminFields> {}

export interface AdminServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}
