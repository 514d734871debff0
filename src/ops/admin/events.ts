/** `GET /events`: what happens in the mesh, as it happens. */
import { MESH_EVENTS, type MeshEvents } from '../../mesh/events.ts'
import type { MeshCore } from '../../mesh/mesh.ts'
import { redactEvent } from './redact-reports.ts'
import { AdminError, type AdminReply } from './reply.ts'
import type { AdminRequest } from './request.ts'

type EventType = keyof MeshEvents

/** A reply that streams the types asked for; secrets are shown to those with the token. */
export function events(core: MeshCore, request: AdminRequest, trusted: boolean): AdminReply {
  const types: readonly string[] = request.query.get('types')?.split(',') ?? MESH_EVENTS
  for (const type of types)
    if (!MESH_EVENTS.includes(type as EventType))
      throw new AdminError(400, 'unknown-event', `there is no event ${JSON.stringify(type)}`, {
        hint: `one of ${MESH_EVENTS.join(', ')}`,
      })
  return {
    status: 200,
    headers: {},
    stream(send) {
      const off = core.events.observe((type, event) => {
        if (!types.includes(type)) return
        const plain = plainEvent(event)
        send(type, trusted ? plain : redactEvent(type, plain))
      })
      send('hello', { version: core.rules.version })
      return off
    },
  }
}

/** Errors have no enumerable members; their message is what matters. */
function plainEvent(event: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, value instanceof Error ? value.message : value]))
}
