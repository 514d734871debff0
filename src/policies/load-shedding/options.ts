/** Options of the load shedder. */
import type { CallView } from '../../core/call.ts'
import { duration, hook, type InputOf, integer, number, type OptionsOf, readOptions } from '../../core/schema/index.ts'

export const loadShedderFields = {
  shedFrom: number(
    'From this share of the limit on (0 to 1), calls are shed with a SheddedError: the least important ones first, and at the full limit all but the critical ones.',
    { default: 0.7, min: 0, max: 1 },
  ),
  lowestPriority: integer('The priority number of the least important calls. Greater numbers count as this one.', { default: 499, min: 1 }),
  targetDelay: duration('How long the call that goes next may have waited in the queue of the limit.', { default: '20ms', min: 0 }),
  interval: duration('When every look within an interval finds a longer wait, more is shed; when one does not, less.', {
    default: '100ms',
    min: 1,
  }),
  step: number('Share of the priorities by which each interval sheds more or less.', { default: 0.1, min: 0, above: true, max: 1 }),
  priority: hook<(call: CallView & { readonly priority: number; readonly context: unknown }) => number>(
    'The priority of a call: 0 or less is critical and never shed, a greater number is less important. Default: `priority` of the call.',
  ),
} as const

/** Options of `loadShedder`. A wrong one throws an `OptionsError` that names every fault. */
export type LoadShedderOptions = InputOf<typeof loadShedderFields>
export type LoadShedderSettings = OptionsOf<typeof loadShedderFields>

/** Reads what a user wrote. Throws an `OptionsError` that names every fault. */
export function readLoadShedderOptions(options: LoadShedderOptions): LoadShedderSettings {
  return readOptions(loadShedderFields, options, 'loadShedder')
}
