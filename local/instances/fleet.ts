export type Fleet = { stop(): Promise<void> }
