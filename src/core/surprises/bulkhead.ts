/** What surprises about the place of a bulkhead. */
import { waiting } from './waiting.ts'

export const bulkheadSurprises = /* @__PURE__ */ waiting('bulkhead', 'maxWaitDuration')
