/** One destination of a weighted split: Istio's HTTPRouteDestination. */
import type { Call } from '../../../../core/call.ts'
import { name, random } from '../../../../core/schema/around.ts'
import { anything, hook, type InputOf, integer, object, string } from '../../../../core/schema/index.ts'

export const weightedRouterAroundFields = {
  name,
  by: hook<(call: Call | undefined) => string | undefined>('The key that keeps a caller on its side. Default: by chance.'),
  random,
} as const

export const weightedRouterFields = {
  destination: object(
    'Where to.',
    {
      host: string('Its host.', { required: true }),
      subset: string('A subset of the host. Default: the whole host.'),
      port: object('Its port. Default: any.', { number: integer('Number of the port.', { required: true, min: 1, max: 65_535 }) }),
    },
    { required: true },
  ),
  weight: integer('Its share of the calls, in proportion to the sum of all weights; of a single destination it does not matter.', {
    default: 0,
    min: 0,
    max: 4_294_967_295,
  }),
  headers: anything<object>('Header operations: for the mesh; code does its own. Default: none.'),
} as const

export type WeightedDestination = InputOf<typeof weightedRouterFields>
