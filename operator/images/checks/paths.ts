import { type Check, defect, pass } from './finding.ts'
import { listed, shown } from './text.ts'

/** What the server needs is in the image: models that were left out of it are found missing by the first request. */
export const requiredPaths: Check<'requiredPaths'> = {
  paths: ({ paths }) => ({ required: paths }),

  async find({ paths }, _, context) {
    if (paths.length === 0) return undefined
    const { present, undecided, unread } = await context.paths()
    const absent = paths.filter((path) => !present.has(path) && !undecided.has(path))
    if (absent.length > 0)
      return defect(
        `The image lacks ${listed(absent, 2)}: look at COPY in the Dockerfile, .dockerignore and the folder of the build.`,
      )
    const open = paths.filter((path) => undecided.has(path))
    // Neither is it proven that they are there, which is what was asked for.
    if (open.length > 0)
      return defect(
        `Whether the image has ${listed(open, 2)} cannot be told: ${shown(unread ?? '', 120)}. COPY it last, or set policy: Warn.`,
      )
    return pass(`The image has ${listed(paths)}.`)
  },
}

/** What must not be published is not in the image. What a later layer deletes can still be pulled, but no container sees it. */
export const forbiddenPaths: Check<'forbiddenPaths'> = {
  paths: ({ paths }) => ({ forbidden: paths }),

  async find({ paths }, _, context) {
    if (paths.length === 0) return undefined
    const { present, undecided, unread } = await context.paths()
    const found = paths.filter((path) => present.has(path))
    if (found.length > 0)
      return defect(
        `The image has ${listed(found)}: keep it out by .dockerignore, or leave it in an earlier build stage.`,
      )
    const open = paths.filter((path) => undecided.has(path))
    if (open.length > 0)
      return defect(
        `Whether the image has ${listed(open, 2)} cannot be told: ${shown(unread ?? '', 120)}. Set policy: Warn to use it all the same.`,
      )
    return pass(`The image does not have ${listed(paths)}.`)
  },
}
