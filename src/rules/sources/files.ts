/** Rules from files: a file, a directory, or a ConfigMap's mount, read once or watched. */
import type { FSWatcher } from 'node:fs'
import type { Clock, Timer } from '../../base/time/clock.ts'
import { OptionsError } from '../../core/errors.ts'
import { readOptions } from '../../core/schema/index.ts'
import type { Source, SourceSet } from '../../core/source.ts'
import { type FilesOptions, filesFields } from './files-options.ts'
import { around, type Node, nodeModules, readFiles } from './read-files.ts'

export type { FilesOptions }

/** How often a path that cannot be watched is looked at, ms. */
const FALLBACK_POLL = 5_000

/**
 * A source of rules from files: `.yaml`, `.yml` and `.json`, below a directory in the order of their names; names that begin with a dot
 * and `node_modules` are left out. All files are one set: an edit that breaks one of them leaves the last good set in force, and the mesh tells by
 * `rejected` (the rules are wrong) or `sourceError` (they cannot be read). Watching keeps no process alive.
 *
 * @throws OptionsError naming every wrong option.
 * @example
 * const source = files('./rules', { watch: true }) // createMesh({ sources: [source] }), then await mesh.ready()
 * console.log(source.name) // => files:./rules
 */
export function files(path: string | URL, options: FilesOptions = {}): Source {
  const given = typeof path === 'string' ? path : path instanceof URL && path.protocol === 'file:' ? decodeURIComponent(path.pathname) : ''
  if (given === '') throw new OptionsError(`files: ${String(path)} is no path, e.g. files('./rules')`)
  const { watch, debounce, poll, trust } = readOptions(filesFields, options, 'files')
  return {
    name: `files:${given}`,
    trust,
    start(deliver, fail, { clock }) {
      const watching = new Watching(nodeModules(), given, { watch, debounce, poll, clock }, deliver, fail)
      watching.look()
      return () => watching.stop()
    },
  }
}

interface How {
  readonly watch: boolean
  readonly debounce: number
  readonly poll: number | undefined
  readonly clock: Clock
}

class Watching {
  readonly #node: Node
  readonly #path: string
  readonly #how: How
  readonly #deliver: (sets: readonly SourceSet[]) => void
  readonly #fail: (error: Error) => void
  readonly #watchers = new Map<string, FSWatcher>()
  #soon: Timer | undefined
  #later: Timer | undefined
  #reading = false
  #again = false
  #last: string | undefined
  /** The failure reported last. A listener that logs into the folder changes it: the same failure must not be news again. */
  #reported: string | undefined
  #stopped = false
  #unwatchable = false

  constructor(node: Node, path: string, how: How, deliver: (sets: readonly SourceSet[]) => void, fail: (error: Error) => void) {
    this.#node = node
    this.#path = path
    this.#how = how
    this.#deliver = deliver
    this.#fail = fail
  }

  /** Reads, and tells what differs from the last time. What changes meanwhile is read afterwards. */
  async look(): Promise<void> {
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    do {
      this.#again = false
      await this.#read()
    } while (this.#again && !this.#stopped)
    this.#reading = false
    this.#schedule()
  }

  async #read(): Promise<void> {
    let directories: readonly string[]
    try {
      const contents = await readFiles(this.#node, this.#path)
      if (this.#stopped) return
      directories = contents.directories
      this.#reported = undefined
      const text = JSON.stringify(contents.files)
      if (text !== this.#last) {
        this.#last = text
        this.#deliver(contents.files.map(file => ({ documents: file.text, origin: file.path })))
      }
    } catch (error) {
      if (this.#stopped) return
      directories = await around(this.#node, this.#path)
      this.#last = undefined
      const failure = unreadable(this.#path, error as NodeJS.ErrnoException)
      if (failure.message !== this.#reported) {
        this.#reported = failure.message
        this.#fail(failure)
      }
    }
    if (this.#how.watch && !this.#stopped) this.#follow(directories)
  }

  #follow(directories: readonly string[]): void {
    for (const [directory, watcher] of this.#watchers)
      if (!directories.includes(directory)) {
        watcher.close()
        this.#watchers.delete(directory)
      }
    for (const directory of directories)
      if (!this.#watchers.has(directory) && this.#watch(directory)) {
        // What changed between the reading and the beginning of the watch.
        this.#again = true
      }
  }

  #watch(directory: string): boolean {
    const lost = () => {
      this.#watchers.get(directory)?.close()
      this.#watchers.delete(directory)
      this.#unwatchable = true
      this.#schedule()
    }
    try {
      const watcher = this.#node.watch(directory, { persistent: false }, () => this.#changed())
      watcher.on('error', lost)
      this.#watchers.set(directory, watcher)
      return true
    } catch {
      lost()
      return false
    }
  }

  /** Changes come in swarms: the first one arms the timer, the others are read with it. */
  #changed(): void {
    if (this.#soon !== undefined || this.#stopped) return
    this.#soon = this.#how.clock.schedule(this.#how.debounce, () => {
      this.#soon = undefined
      this.look()
    })
  }

  #schedule(): void {
    const every = this.#how.poll ?? (this.#how.watch && this.#unwatchable ? FALLBACK_POLL : undefined)
    if (every === undefined || this.#stopped) return
    this.#later?.cancel()
    this.#later = this.#how.clock.schedule(every, () => {
      this.#unwatchable = false
      this.look()
    })
  }

  stop(): void {
    this.#stopped = true
    this.#soon?.cancel()
    this.#later?.cancel()
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'ENOENT' ? 'is not there' : cause.code === 'EACCES' ? 'may not be read' : `cannot be read (${cause.message})`
  return new Error(`files: ${JSON.stringify(path)} ${why}`, { cause })
}
