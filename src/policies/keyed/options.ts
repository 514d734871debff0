/** Options of `keyed`. */
import { name } from '../../core/schema/around.ts'
import { type InputOf, integer } from '../../core/schema/index.ts'

export const keyedFields = {
  max: integer('How many keys are remembered; of those without a running call the one not used for longest goes first.', {
    default: 1000,
    min: 1,
  }),
  name,
} as const

/** Options of `keyed`. A wrong one throws an `OptionsError` that names every fault. */
export type KeyedOptions = InputOf<typeof keyedFields>
