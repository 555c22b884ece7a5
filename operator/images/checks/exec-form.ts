import { shellCommand } from './command.ts'
import { type Check, defect, notApplicable, pass } from './finding.ts'
import { shown } from './text.ts'

/**
 * The server is the container's first process, so that SIGTERM reaches it:
 * https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html. Some shells hand over to a single command by
 * themselves, and many do not.
 */
export const execForm: Check<'execForm'> = {
  find(_, { config }) {
    if (config.entrypoint.length === 0) return notApplicable('There is no ENTRYPOINT; serveArgument says what starts.')
    const command = shellCommand(config.entrypoint)
    if (command === undefined) return pass('ENTRYPOINT is in exec form.')
    if (/(^|[;&|\n]\s{0,9})\s{0,9}exec\s/.test(command))
      return pass('A shell starts the server, and hands over to it by exec.')
    return defect(
      `ENTRYPOINT runs ${shown(command, 60)} in a shell, which need not pass SIGTERM on: requests are cut off when an instance is stopped. Write ENTRYPOINT ["program", "argument"], or begin the command with exec.`,
    )
  },
}
