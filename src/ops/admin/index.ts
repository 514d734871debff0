/** The admin API of a running mesh: rules, explain, snapshot, events and operational control over HTTP on 127.0.0.1. */
import { OptionsError } from '../../core/errors.ts'
import { readOptions } from '../../core/schema/index.ts'
import { type AdminOptions, type AdminServer, adminFields } from '../../mesh/admin-options.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { adminApi } from './api.ts'
import { serve } from './server.ts'

export async function admin(core: MeshCore, options: AdminOptions = {}): Promise<AdminServer> {
  if (options?.token !== undefined && (typeof options.token !== 'string' || options.token.length < 16))
    throw new OptionsError('mesh.admin: token: expected at least 16 characters, e.g. from `openssl rand -hex 16`')
  if (core.isClosed) throw new Error('mesh.admin: the mesh is closed')
  const { port, ...read } = readOptions(adminFields, options, 'mesh.admin')
  const server = await serve(adminApi(core, read), { port, clock: core.settings.clock })
  core.attach(server)
  return server
}
