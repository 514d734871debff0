/** The admin API of a running mesh: rules, explain, snapshot, events and operational control over HTTP on 127.0.0.1. */
import { OptionsError } from '../../core/errors.ts'
import type { AdminOptions, AdminServer } from '../../mesh/admin-options.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { adminApi } from './api.ts'
import { serve } from './server.ts'

export async function admin(core: MeshCore, options: AdminOptions = {}): Promise<AdminServer> {
  const { port = 0, token, maxBodyBytes = 4_194_304 } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new OptionsError(`mesh.admin: port: ${port} is not a port; expected 0 to 65535`)
  if (token !== undefined && (typeof token !== 'string' || token.length < 16))
    throw new OptionsError('mesh.admin: token: expected at least 16 characters, e.g. from `openssl rand -hex 16`')
  const server = await serve(adminApi(core, options), { port, maxBodyBytes, clock: core.settings.clock })
  core.attach(server)
  return server
}
