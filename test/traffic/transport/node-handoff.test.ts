/** When requests get their sockets, and answers are told. */
import { describe, expect, test, vi } from 'vitest'
import { handoff, tellLater } from '../../../src/traffic/transport/node-handoff.ts'

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

describe('answers of one turn of the event loop', () => {
  test('are told together, and what is asked because of them goes out in the same turn', async () => {
    const told: string[] = []
    const asks = request()
    const at = socket()
    tellLater({
      tell() {
        told.push('first')
        void Promise.resolve().then(() => add(at, asks))
      },
    })
    tellLater({ tell: () => told.push('second') })
    await Promise.resolve()
    expect(told).toEqual([])
    await turn()
    expect(told).toEqual(['first', 'second'])
    expect(asks.told).toEqual([at])
  })

  test('one that throws keeps no other from being told', async () => {
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', error => thrown.push(error))
    const told: string[] = []
    tellLater({
      tell() {
        throw new Error('listener')
      },
    })
    tellLater({ tell: () => told.push('second') })
    await vi.waitFor(() => expect(told).toEqual(['second']))
    for (const listener of others) process.on('uncaughtException', listener)
    expect(thrown).toEqual([new Error('listener')])
  })
})
