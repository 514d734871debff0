/**
 * What surrounds a policy: the last argument of every factory, with its name, its clock and its chance. Read as options are, so that a name given in the
 * place of `{ name }`, or a clock misspelt, is said and not passed over. All factories know the same three: one object serves a whole pipeline.
 */
import type { Clock } from '../../base/time/clock.ts'
import type { Random } from '../../base/time/random.ts'
import { hook, provided, string } from './option.ts'
import { readOptions } from './read.ts'
import type { Fields, OptionsOf } from './types.ts'

// One by one, and not spread from an object: a bundler keeps every spread, used or not.
export const name = string('What errors, events and metrics call it. Default: none.')
export const clock = provided<Clock>("Whose time it uses. Default: the machine's.", ['now', 'wall', 'schedule'], 'virtualClock()')
export const random = hook<Random>("Gives numbers in [0, 1). Default: the machine's.")

export const aroundFields = { name, clock, random } as const

/** Reads the last argument of the factory `what`. Throws an `OptionsError` that names every fault. */
export function readAround(given: unknown, what: string): OptionsOf<typeof aroundFields>
export function readAround<F extends Fields>(given: unknown, what: string, fields: F): OptionsOf<F>
export function readAround(given: unknown, what: string, fields: Fields = aroundFields): unknown {
  return readOptions(fields, given, `${what}: last argument`)
}
