/** The command's breaker against a model: a list of events with the time they happened. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CommandBreaker, EventCounts } from '../../../src/policies/command/kernel.ts'
import { DEEP_TIMEOUT, OPERATIONS, runs } from '../../deep.ts'

const SPAN = 1000
const SNAPSHOT = 100

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('call') }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('end'), pick: fc.nat(), type: fc.constantFrom('SUCCESS', 'FAILURE', 'TIMEOUT', 'BAD_REQUEST') }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('advance'), ms: fc.oneof(fc.nat(120), fc.nat(1500)) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('force'), forceOpen: fc.boolean(), forceClosed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('ask') }) },
)

test(
  'opens on the health of whole snapshots, lets one call test in each sleep window, and closes only by a test',
  () => {
    let operations = 0
    const shape = fc.record({ volume: fc.integer({ min: 1, max: 5 }), percent: fc.integer({ min: 1, max: 100 }), sleep: fc.nat(300) })
    fc.assert(
      fc.property(shape, fc.array(operation, { minLength: 80, maxLength: 160, size: 'max' }), ({ volume, percent, sleep }, ops) => {
        const health = new EventCounts(SPAN, SPAN / SNAPSHOT, 0)
        const settings = {
          enabled: true,
          requestVolumeThreshold: volume,
          errorThresholdPercentage: percent,
          sleepWindowInMilliseconds: sleep,
          forceOpen: false,
          forceClosed: false,
        }
        const breaker = new CommandBreaker(settings, health)
        let events: { type: string; at: number }[] = []
        let since = 0
        let opened: { by: object; lastTest: number } | undefined
        let now = 0
        const inFlight: { generation: number; opened: object | undefined }[] = []
        const snapshot = (at: number) => Math.floor((at - since) / SNAPSHOT)
        const seen = () => events.filter(e => snapshot(e.at) < snapshot(now) && snapshot(e.at) >= snapshot(now) - SPAN / SNAPSHOT)
        const isOpen = () => {
          if (opened !== undefined) return true
          const errors = seen().filter(e => e.type === 'FAILURE' || e.type === 'TIMEOUT').length
          const total = seen().filter(e => e.type !== 'BAD_REQUEST').length
          if (total < volume || errors * 100 < percent * total) return false
          opened = { by: {}, lastTest: now }
          return true
        }
        const allows = () => {
          if (breaker.settings.forceOpen) return false
          const open = isOpen()
          if (breaker.settings.forceClosed || !open) return true
          if (now <= opened!.lastTest + sleep) return false
          opened!.lastTest = now
          return true
        }
        for (const o of ops as any[]) {
          operations++
          if (o.op === 'advance') now += o.ms
          else if (o.op === 'force') breaker.settings = { ...settings, forceOpen: o.forceOpen, forceClosed: o.forceClosed }
          else if (o.op === 'ask') expect(breaker.isOpen(now)).toBe(isOpen())
          else if (o.op === 'call') {
            const allowed = allows()
            expect(breaker.allows(now)).toBe(allowed)
            if (allowed) inFlight.push({ generation: breaker.generation, opened: opened?.by })
          } else if (inFlight.length > 0) {
            const [call] = inFlight.splice(o.pick % inFlight.length, 1)
            if (o.type === 'SUCCESS') {
              breaker.succeeded(call!.generation, now)
              if (opened !== undefined && call!.opened === opened.by) {
                opened = undefined
                events = []
                since = now
              }
            }
            health.add(o.type, now)
            events.push({ type: o.type, at: now })
          }
          const counted = seen().filter(e => e.type !== 'BAD_REQUEST')
          const { totalRequests, errorCount } = health.health(now)
          expect([breaker.open, totalRequests, errorCount]).toEqual([
            opened !== undefined,
            counted.length,
            counted.filter(e => e.type !== 'SUCCESS').length,
          ])
        }
      }),
      { numRuns: runs(80) },
    )
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS)
  },
  DEEP_TIMEOUT,
)
