/**
 * Which files a path means, and what is in them, at one moment. A file is itself; a directory is the rule files below it in the order of
 * their names (no hidden files, no installed packages); a ConfigMap's mount is read through its `..data` link, so that a swap during the reading cannot mix two versions.
 */
import type * as FileSystem from 'node:fs'
import type * as Path from 'node:path'

export interface Node {
  readonly fs: typeof FileSystem.promises
  readonly watch: typeof FileSystem.watch
  readonly path: typeof Path
}

export interface Contents {
  readonly files: readonly { readonly path: string; readonly text: string }[]
  /** Directories in which a change would show. */
  readonly directories: readonly string[]
}

const RULES = /\.(?:ya?ml|json)$/i
const DEPTH = 16

/** The modules of Node that files need. Throws where there are none. */
export function nodeModules(): Node {
  const get = globalThis.process?.getBuiltinModule
  const fs = get?.('node:fs')
  const path = get?.('node:path')
  if (fs === undefined || path === undefined) throw new Error('files() needs node:fs; this runtime has none')
  return { fs: fs.promises, watch: fs.watch, path }
}

/** Reads what a path means now. Rejects when it is not there or cannot be read. */
export async function readFiles(node: Node, path: string): Promise<Contents> {
  const found = await node.fs.stat(path)
  if (!found.isDirectory()) return { files: [{ path, text: await node.fs.readFile(path, 'utf8') }], directories: await around(node, path) }
  const files: { path: string; text: string }[] = []
  const directories: string[] = []
  await walk(node, path, path, files, directories, new Set(), 0)
  return { files, directories }
}

/** Directories in which a change of a file shows: its own, and those that its links lead through. */
export async function around({ fs, path: paths }: Node, path: string): Promise<string[]> {
  const directories = new Set([paths.dirname(path)])
  try {
    const real = paths.dirname(await fs.realpath(path))
    directories.add(real)
    // A ConfigMap's files stand in `..2026_11_24`, to which `..data` beside it points.
    if (paths.basename(real).startsWith('..')) directories.add(paths.dirname(real))
  } catch {
    // It is not there yet.
  }
  return [...directories]
}

async function walk(
  node: Node,
  shown: string,
  real: string,
  files: { path: string; text: string }[],
  directories: string[],
  seen: Set<string>,
  depth: number,
): Promise<void> {
  const { fs, path: paths } = node
  const identity = await fs.realpath(real)
  if (seen.has(identity) || depth > DEPTH) return
  seen.add(identity)
  directories.push(shown)
  let names = await fs.readdir(real)
  let from = real
  if (names.includes('..data')) {
    from = await fs.realpath(paths.join(real, '..data'))
    names = await fs.readdir(from)
  }
  for (const name of names.sort()) {
    if (name.startsWith('.') || name === 'node_modules') continue
    const at = paths.join(from, name)
    const found = await fs.stat(at)
    if (found.isDirectory()) await walk(node, paths.join(shown, name), at, files, directories, seen, depth + 1)
    else if (found.isFile() && RULES.test(name)) files.push({ path: paths.join(shown, name), text: await fs.readFile(at, 'utf8') })
  }
}
