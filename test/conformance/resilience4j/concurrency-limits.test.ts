/** Sample sequences of the released concurrency-limits through `adaptiveConcurrency`: the same limit, estimate and changes after every sample. */
import { describe, expect, test } from 'vitest'
import { type AdaptiveConcurrencyOptions, adaptiveConcurrency } from '../../../src/policies/adaptive-concurrency/index.ts'
import { recorded } from './recorded.ts'

const { sequences } = recorded('concurrency-limits.json.gz')

function optionsOf(sequence: any): AdaptiveConcurrencyOptions {
  const { timeoutMs, ...params } = sequence.params
  const { minWindowMs, maxWindowMs, windowSize, minRttThresholdUs, sampleWindow } = sequence.window ?? {}
  return {
    algorithm: sequence.delegate ?? sequence.algorithm,
    ...params,
    timeout: timeoutMs,
    window: sequence.window && {
      minWindowTime: minWindowMs,
      maxWindowTime: maxWindowMs,
      windowSize,
      minRttThreshold: minRttThresholdUs === undefined ? undefined : minRttThresholdUs / 1000,
      percentile: sampleWindow?.percentile,
      percentileSamples: sampleWindow?.windowSize,
    },
  }
}

describe('concurrency-limits', () => {
  test('has all its sequences', () => expect(sequences.map((s: any) => s.samples.length)).toEqual(Array(40).fill(200)))

  test.each(sequences as any[])('$id $algorithm $delegate', (sequence: any) => {
    const jitters: number[] = [...(sequence.probeJitters ?? [])]
    // Recorded are the draws from [0.5, 1); ours come from chance in [0, 1).
    const random = () => (jitters.shift()! - 0.5) * 2
    const adaptive = adaptiveConcurrency(optionsOf(sequence), { random })
    const changes: [number, number][] = []
    let at = 0
    adaptive.on('limitChanged', ({ to }) => changes.push([at, to]))
    sequence.samples.forEach(([start, rtt, inflight, dropped, limit, setLimit]: any, i: number) => {
      at = i
      if (setLimit) adaptive.update({ limit: setLimit })
      adaptive.sample(start / 1e6, rtt / 1e6, inflight, dropped === 1)
      expect(adaptive.limit, `sample ${i}`).toBe(limit)
      const estimate = sequence.estimatedLimit?.[i]
      if (estimate !== undefined)
        expect(Math.abs(adaptive.metrics.estimatedLimit - estimate), `sample ${i}: ${estimate}`).toBeLessThanOrEqual(1e-9 * estimate)
    })
    expect(changes).toEqual(sequence.changes)
    expect(jitters).toEqual([])
  })
})
