/** One destination of a weighted split: Istio's HTTPRouteDestination. */
import { anything, type InputOf, integer, object, string } from '../../../../core/schema/index.ts'

export const weightedRouterFields = {
  destination: object(
    'Where to.',
    {
      host: string('Its host.', { required: true }),
      subset: string('Of it, the subset.'),
      port: object('Its port.', { number: integer('1 to 65535.', { required: true, min: 1, max: 65_535 }) }),
    },
    { required: true },
  ),
  weight: integer('Its share of the sum of all; alone it does not matter.', { default: 0, min: 0, max: 4_294_967_295 }),
  headers: anything<object>('Header operations: for the mesh; code does its own.'),
} as const

export type WeightedDestination = InputOf<typeof weightedRouterFields>
