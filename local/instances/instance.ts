/** One running container: see startInstance. */
export type Instance = {
  /** Shaped like EC2's: the second half of the container's log stream. */
  id: string
  /** Where the container listens; undefined for an image without a command. */
  port: number | undefined
  /** Aborts when the instance no longer serves: it exited, failed its pings or is being stopped for good. */
  gone: AbortSignal
}
