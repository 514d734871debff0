/** An endpoint as code writes it: for `upstream`, `loadBalancer` and `mesh.setEndpoints`. */
import { integer, map, oneOf, string } from '../../../../core/schema/index.ts'

export const endpointFields = {
  address: string('`ip:port`; without a mesh whatever tells endpoints apart. It is what hashes look at.', { required: true, pattern: /./ }),
  weight: integer('Its share of the requests, in proportion to the others’ weights.', { default: 1, min: 1, max: 4_294_967_295 }),
  priority: integer(
    'The endpoints of priority 0 are asked first; those of the next when too few of them are healthy. Default: 0, or in a mesh what its rules say of localities.',
    { min: 0, max: 127 },
  ),
  labels: map('Labels, which subsets look at. Default: none.', string(''), { default: {} }),
  locality: string('`region/zone/subzone`. Default: none, so it is near to nobody.'),
  health: oneOf(
    'How it does: an unhealthy one is not asked, a degraded one when the healthy ones are too few.',
    ['healthy', 'degraded', 'unhealthy'],
    { default: 'healthy' },
  ),
} as const
