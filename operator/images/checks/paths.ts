import { type Check, defect, pass } from './finding.ts'
import { listed } from './text.ts'

/** What the server needs is in the image: models that were left out of it are found missing by the first request. */
export const requiredPaths: Check<'requiredPaths'> = {
  paths: ({ paths }) => ({ required: paths }),

  async find({ paths }, _, context) {
    if (paths.length === 0) return undefined
    const { present, unread } = await context.paths()
    const missing = paths.filter((path) => !present.has(path))
    if (missing.length === 0) return pass(`The image has ${listed(paths)}.`)
    const lacks = `The image lacks ${listed(missing, 2)}`
    // Neither is it proven that they are there, which is what was asked for.
    if (unread) return defect(`${lacks} in what could be read (${unread}): lay them into an upper layer.`)
    return defect(`${lacks}: look at COPY in the Dockerfile, .dockerignore and the folder of the build.`)
  },
}

/** What must not be published is not in the image. What a later layer deletes can still be pulled, but no container sees it. */
export const forbiddenPaths: Check<'forbiddenPaths'> = {
  paths: ({ paths }) => ({ forbidden: paths }),

  async find({ paths }, _, context) {
    if (paths.length === 0) return undefined
    const { present, unread } = await context.paths()
    const found = paths.filter((path) => present.has(path))
    if (found.length > 0)
      return defect(
        `The image has ${listed(found)}: keep it out by .dockerignore, or leave it in an earlier build stage.`,
      )
    if (unread) return defect(`Not all layers could be searched for ${listed(paths, 1)}: ${unread}.`)
    return pass(`The image does not have ${listed(paths)}.`)
  },
}
