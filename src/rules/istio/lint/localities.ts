/** Nearness that does not do what it says. */
import { member } from '../document.ts'
import { eachPolicy, type LintRule } from './rule.ts'

export const localities: readonly LintRule[] = [
  eachPolicy('distribute-without-failover', (policy, path, report) => {
    const setting = policy.loadBalancer?.localityLbSetting
    for (const [index, { to = {} }] of (setting?.distribute ?? []).entries())
      if (Object.keys(to).length === 1)
        report(
          `${member(`${path}.loadBalancer.localityLbSetting.distribute`, index)}.to`,
          'with distribute there is no failover: when this one locality is down, calls fail',
          'give a second locality a small share, or use failover',
        )
  }),
  eachPolicy('failover-without-target', (policy, path, report) => {
    for (const [index, { to }] of (policy.loadBalancer?.localityLbSetting?.failover ?? []).entries())
      if (!to) report(member(`${path}.loadBalancer.localityLbSetting.failover`, index), 'a failover to nowhere', 'add to: with a region')
  }),
  eachPolicy('passthrough-settings', (policy, path, report) => {
    const lb = policy.loadBalancer
    if (lb?.simple !== 'PASSTHROUGH') return
    const useless = ['localityLbSetting', 'warmup', 'warmupDurationSecs'].find(field => lb[field] !== undefined)
    if (useless !== undefined) report(`${path}.loadBalancer.${useless}`, 'PASSTHROUGH chooses no endpoint', `leave ${useless} out`)
  }),
  eachPolicy('warmup-unused', (policy, path, report) => {
    const lb = policy.loadBalancer
    if (lb === undefined || (lb.warmup === undefined && lb.warmupDurationSecs === undefined)) return
    if (lb.simple === 'RANDOM' || lb.consistentHash !== undefined)
      report(
        `${path}.loadBalancer.${lb.warmup === undefined ? 'warmupDurationSecs' : 'warmup'}`,
        'only ROUND_ROBIN and LEAST_REQUEST warm up',
        'use simple: LEAST_REQUEST',
      )
  }),
]
