/** The variables of this machine that a program needs to run at all. */
const PASSED_ON = ['PATH', 'TMPDIR', 'LANG', 'TZ', 'LD_LIBRARY_PATH']

/**
 * What a container's process takes from this machine: nothing but the search paths and the locale. Credentials, proxies and
 * profiles of the person at the laptop stay out, as they would stay out of a container.
 */
export function hostEnvironment(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
