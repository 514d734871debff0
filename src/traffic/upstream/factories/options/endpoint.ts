/** An endpoint as code writes it: for `upstream`, `loadBalancer` and `mesh.setEndpoints`. */
import { integer, map, oneOf, string } from '../../../../core/schema/index.ts'

export const endpointFields = {
  address: string('`ip:port`; without a mesh whatever tells endpoints apart. It is what hashes look at.', { required: true, pattern: /./ }),
  weight: integer('Share of the requests.', { default: 1, min: 1, max: 4_294_967_295 }),
  priority: integer('0 is asked first; others when too few of it are healthy.', { default: 0, min: 0, max: 127 }),
  labels: map('Labels, which subsets look at.', string(''), { default: {} }),
  locality: string('`region/zone/subzone`.'),
  health: oneOf('A degraded one is asked when the healthy ones are too few.', ['healthy', 'degraded', 'unhealthy'], { default: 'healthy' }),
} as const
