import { type Check, defect, pass } from './finding.ts'
import { shown } from './text.ts'

/** The image asks to run as somebody else than root. */
export const user: Check<'user'> = {
  find(_, { config }) {
    const [name = ''] = (config.user ?? '').split(':')
    if (name !== '' && name !== 'root' && !/^0+$/.test(name)) return pass(`The image runs as ${shown(name, 40)}.`)
    return defect('The image runs as root: create a user in the Dockerfile, and name it by USER.')
  },
}
