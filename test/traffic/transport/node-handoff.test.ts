/** When requests get their sockets. */
import { describe, expect, test } from 'vitest'
import { handoff } from '../../../src/traffic/transport/node-handoff.ts'

function request() {
  const told: unknown[] = []
  return { told, reusedSocket: false, onSocket: (socket: unknown) => told.push(socket), destroy: () => told.push('destroyed') }
}
const socket = () => ({ destroyed: false })
const add = (to: object, asks: ReturnType<typeof request>) => (handoff(to as any) as any).addRequest(asks)
const turn = () => new Promise(resolve => setImmediate(resolve))

describe('requests of one turn of the event loop', () => {
  test('get their sockets together, after everything that runs in the turn', async () => {
    const [a, b] = [socket(), socket()]
    const [first, second] = [request(), request()]
    add(a, first)
    await Promise.resolve()
    add(b, second)
    expect([...first.told, ...second.told]).toEqual([])
    await turn()
    expect(first.told).toEqual([a])
    expect(second.told).toEqual([b])
  })

  test('one that begins while they are handed over waits for the next turn', async () => {
    const later = request()
    const first = request()
    first.onSocket = given => {
      add(socket(), later)
      return first.told.push(given)
    }
    add(socket(), first)
    await turn()
    expect(first.told).toHaveLength(1)
    expect(later.told).toHaveLength(0)
    await turn()
    expect(later.told).toHaveLength(1)
  })

  test('one whose socket is gone meanwhile is destroyed instead of waiting for ever', async () => {
    const gone = socket()
    const asks = request()
    add(gone, asks)
    gone.destroyed = true
    await turn()
    expect(asks.told).toEqual(['destroyed'])
  })
})
