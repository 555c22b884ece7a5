import { architectureOf } from '../../api/instance-types.ts'
import { type Check, defect, pass } from './finding.ts'
import { shown } from './text.ts'

/** The image was built for the processors of the instances; another one's ends in "exec format error". */
export const platform: Check<'platform'> = {
  find(_, { config }, { target }) {
    // The specification demands both; what leaves them out is old, and of Linux.
    const { os = 'linux', architecture } = config
    const built = shown(`${os}/${architecture ?? 'unknown'}`, 40)
    for (const type of target.instanceTypes) {
      const wanted = architectureOf(type)
      if (os === 'linux' && (architecture ?? wanted) === wanted) continue
      return defect(
        `The image is for ${built}, but ${shown(type, 40)} runs linux/${wanted}: build it with --platform linux/${wanted}, or choose another instance type.`,
      )
    }
    if (os !== 'linux' || !['amd64', 'arm64', undefined].includes(architecture))
      return defect(
        `The image is for ${built}, and SageMaker runs linux/amd64 and linux/arm64: build it with --platform.`,
      )
    return pass(`The image is for ${built}.`)
  },
}
