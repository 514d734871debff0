/** Options of collapsing: Hystrix's HystrixCollapserProperties by shorter names. */
import { duration, hook, type InputOf, integer } from '../../core/schema/index.ts'

export const collapseFields = {
  maxSize: integer('Different items in a batch; a batch that has so many starts at once (maxRequestsInBatch). Default: no limit.', {
    min: 1,
  }),
  maxWait: duration('How long the first item waits for others (timerDelayInMilliseconds); 0: until the running code has ended.', {
    default: 10,
    min: 0,
  }),
  key: hook<(item: any) => unknown>('What makes two items the same, so that they share one place in the batch. Default: the item itself.'),
  scope: hook<(item: any) => object | undefined>(
    'Only items with the same scope object share a batch, e.g. the store of an AsyncLocalStorage. Default: one scope for all.',
  ),
} as const

/** Options of `collapse`. A wrong one throws an `OptionsError` that names every fault. `T`: the items. */
export type CollapseOptions<T = unknown> = Omit<InputOf<typeof collapseFields>, 'key' | 'scope'> & {
  key?: ((item: T) => unknown) | undefined
  scope?: ((item: T) => object | undefined) | undefined
}
