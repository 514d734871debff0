/** Takes the place of the admin API where nothing can listen on a port: browsers and workers. Bundles for them then need no Node modules. */
import type { AdminServer } from '../../mesh/admin-options.ts'

export async function admin(): Promise<AdminServer> {
  throw new Error(
    'mesh.admin() listens on a port, which this runtime (or the bundle, made without the condition "node") cannot; use mesh.snapshot(), mesh.explain() and mesh.apply() here',
  )
}
