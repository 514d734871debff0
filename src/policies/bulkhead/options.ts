/** Options of the bulkhead, as code writes them. Described in core/schema/policies, where documents find them too. */
import type { InputOf, OptionsOf } from '../../core/schema/index.ts'
import type { bulkheadFields } from '../../core/schema/policies/bulkhead.ts'

export { bulkheadFields } from '../../core/schema/policies/bulkhead.ts'

export type BulkheadOptions = InputOf<typeof bulkheadFields>
export type BulkheadSettings = OptionsOf<typeof bulkheadFields>
