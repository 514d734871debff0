/** ResiliencePolicy: our own kind, for what Istio lacks. The options of its blocks are described in core/schema/policies. */
import { BLOCKS } from '../../../core/schema/policies/index.ts'
import { anything, field, list, message } from './field.ts'

export const resiliencePolicy = message(
  'Policies for calls to some hosts or routes.',
  'ResiliencePolicySpec',
  {
    targets: field('What it is for: "*", { route }, or { host, subset, port }.', list(anything, 1), { verdict: 'own' }),
    ...Object.fromEntries(Object.entries(BLOCKS).map(([name, { text }]) => [name, field(text, anything, { verdict: 'own' })])),
  },
  ['targets'],
)
