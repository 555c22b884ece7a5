/** What the demo saw over time; seconds since its start. */
export type Sample = {
  at: number
  /** SageMaker's EndpointStatus; undefined while there is no endpoint. */
  endpointStatus: string | undefined
  /** status.phase of the AsyncInferenceEndpoint; undefined while there is no object. */
  phase: string | undefined
  instances: number
}

export type Mark = { at: number; label: string }

export type Segment = { from: number; to: number; value: string }

export type Timeline = { samples: Sample[]; marks: Mark[] }

/** Joins neighbouring samples with the same value; a stretch without a value is left out. */
export function segments(samples: Sample[], value: (sample: Sample) => string | undefined): Segment[] {
  const found: Segment[] = []
  for (const [index, sample] of samples.entries()) {
    const to = samples[index + 1]?.at ?? sample.at
    const current = value(sample)
    const last = found.at(-1)
    if (current === undefined) continue
    if (last && last.value === current && last.to === sample.at) last.to = to
    else found.push({ from: sample.at, to, value: current })
  }
  return found
}

/** Instance-seconds under the curve. */
export function instanceSeconds(samples: Sample[]): number {
  let total = 0
  for (const [index, sample] of samples.entries()) {
    total += sample.instances * ((samples[index + 1]?.at ?? sample.at) - sample.at)
  }
  return total
}
