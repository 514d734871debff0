/** Options of the source that reads files. */
import { boolean, duration, type InputOf, object } from '../../core/schema/index.ts'
import { trustFields } from '../../core/source.ts'

export const filesFields = {
  watch: boolean('Whether changes are followed.', { default: false }),
  debounce: duration('How long changes are gathered before the files are read again.', { default: 100, min: 0 }),
  poll: duration(
    'Looks at the files this often as well, where the system tells of no changes (some network file systems). Default: never.',
    {
      min: 1,
    },
  ),
  trust: object('How far the rules may reach. Default: as far as they like.', trustFields),
} as const

/** Options of `files`. A wrong one throws an `OptionsError` that names every fault. */
export interface FilesOptions extends InputOf<typeof filesFields> {}
