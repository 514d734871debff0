/** The commands, in the order of the help. */
import { apply } from './apply.ts'
import type { Command } from './command.ts'
import { completionOf } from './completion.ts'
import { remove } from './delete.ts'
import { diff } from './diff.ts'
import { explain } from './explain.ts'
import { get } from './get.ts'
import { init } from './init.ts'
import { lint } from './lint.ts'
import { history, rollback } from './rollback.ts'
import { translate } from './translate.ts'
import { validate } from './validate.ts'

export const COMMANDS: readonly Command[] = [
  init,
  validate,
  lint,
  explain,
  translate,
  diff,
  apply,
  get,
  remove,
  history,
  rollback,
  completionOf(() => COMMANDS),
]
