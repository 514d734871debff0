/** When requests are written, and responses delivered. */
import { describe, expect, test, vi } from 'vitest'
import { currentTurn, deliverLater, writeLater } from '../../../src/traffic/transport/write-batching.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))
function log() {
  const done: string[] = []
  const writes = (name: string, then = () => {}) => ({
    dueIn: 0,
    isLost: false,
    write() {
      done.push(name)
      then()
    },
  })
  return { done, writes }
}

describe('requests of one turn of the event loop', () => {
  test('are written together, after everything that runs in the turn', async () => {
    const { done, writes } = log()
    writeLater(writes('a'))
    await Promise.resolve()
    writeLater(writes('b'))
    expect(done).toEqual([])
    await turn()
    expect(done).toEqual(['a', 'b'])
  })

  test('one that begins while they are written waits for the next turn', async () => {
    const { done, writes } = log()
    writeLater(writes('a', () => writeLater(writes('b'))))
    await turn()
    expect(done).toEqual(['a'])
    await turn()
    expect(done).toEqual(['a', 'b'])
  })

  test('one for the next turn is written when the event loop has looked at every socket', async () => {
    const { done, writes } = log()
    const now = currentTurn()
    writeLater(writes('b'), 1)
    writeLater({ ...writes('lost'), isLost: true }, 5)
    writeLater(writes('a'))
    await turn()
    expect([done, currentTurn() - now]).toEqual([['lost', 'a'], 1])
    await turn()
    expect(done).toEqual(['lost', 'a', 'b'])
  })
})

describe('responses of one turn of the event loop', () => {
  test('are delivered together, and what is asked because of them is written in the same turn', async () => {
    const { done, writes } = log()
    deliverLater({
      deliver() {
        done.push('first')
        void Promise.resolve().then(() => writeLater(writes('written')))
      },
    })
    deliverLater({ deliver: () => done.push('second') })
    await Promise.resolve()
    expect(done).toEqual([])
    await turn()
    expect(done).toEqual(['first', 'second', 'written'])
  })

  test('one that throws keeps no other from being delivered', async () => {
    const thrown: unknown[] = []
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', error => thrown.push(error))
    const done: string[] = []
    deliverLater({
      deliver() {
        throw new Error('listener')
      },
    })
    deliverLater({ deliver: () => done.push('second') })
    await vi.waitFor(() => expect(done).toEqual(['second']))
    for (const listener of others) process.on('uncaughtException', listener)
    expect(thrown).toEqual([new Error('listener')])
  })
})
