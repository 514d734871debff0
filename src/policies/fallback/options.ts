/** Options of a fallback in code. What a document may say is described in core/schema/policies. */
import type { ErrorKind } from '../../core/error-kinds.ts'
import { anything, hook, type InputOf, integer, type OptionsOf } from '../../core/schema/index.ts'

export const fallbackOptionsFields = {
  handle: anything<ErrorKind | readonly ErrorKind[] | ((error: unknown) => boolean)>(
    'Which errors are answered for: a class, a code or name, a list of those, or a function of the error. Default: every error.',
  ),
  handleResult: hook<(result: any) => boolean>('Whether a result is as bad as an error, so that it is replaced. Default: none is.'),
  maxConcurrentCalls: integer(
    'Answers that may be under way at once; a call beyond them fails with a BulkheadFullError. Default: no limit (Hystrix: 10).',
    { min: 0 },
  ),
} as const

/** Options of `fallback`. A wrong one throws an `OptionsError` that names every fault. `R`: the results that its hooks accept. */
export type FallbackOptions<R = unknown> = Omit<InputOf<typeof fallbackOptionsFields>, 'handleResult'> & {
  handleResult?: ((result: R) => boolean) | undefined
}
export type FallbackSettings = OptionsOf<typeof fallbackOptionsFields>
