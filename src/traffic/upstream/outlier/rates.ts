/** Which hosts did so much worse than the others in one interval that they are outliers: success rate and failure percentage, as in Envoy. */
import type { HostRecord, Tally } from './record.ts'
import type { OutlierSettings } from './settings.ts'

export interface RateOutliers<K> {
  readonly successRate: readonly HostRecord<K>[]
  readonly failurePercentage: readonly HostRecord<K>[]
}

/** `tally`: which of the two counts of a host is judged. Hosts that are out already are not compared. */
export function rateOutliers<K>(
  records: ReadonlyMap<K, HostRecord<K>>,
  tally: (record: HostRecord<K>) => Tally,
  { successRate, successRateDeviations, failurePercentage, failurePercentageThreshold }: OutlierSettings,
): RateOutliers<K> {
  const nobody = { successRate: [], failurePercentage: [] }
  if (records.size < successRate.minimumHosts && records.size < failurePercentage.minimumHosts) return nobody
  const judged = [...records.values()].filter(record => !record.ejected && tally(record).total > 0)
  const rate = (record: HostRecord<K>) => (tally(record).success * 100) / tally(record).total
  const busy = (volume: number) => judged.filter(record => tally(record).total >= volume)

  const forRate = busy(successRate.requestVolume)
  const forPercentage = busy(failurePercentage.requestVolume)
  const least =
    forRate.length > 0 && forRate.length >= successRate.minimumHosts ? lowestUsual(forRate.map(rate), successRateDeviations) : -1
  return {
    successRate: forRate.filter(record => rate(record) < least),
    failurePercentage:
      forPercentage.length >= failurePercentage.minimumHosts
        ? forPercentage.filter(record => 100 - rate(record) >= failurePercentageThreshold)
        : [],
  }
}

/** The mean less so many standard deviations (of the whole population). */
export function lowestUsual(rates: readonly number[], deviations: number): number {
  const mean = rates.reduce((a, b) => a + b, 0) / rates.length
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length
  return mean - deviations * Math.sqrt(variance)
}
