/** Policies for code. */
export type { Call, CallOptions, CallView } from '../core/call.ts'
export * from '../core/errors.ts'
export { pipeline } from '../core/pipeline.ts'
export { type AnyPolicy, bind, type Description, type Policy } from '../core/policy.ts'
