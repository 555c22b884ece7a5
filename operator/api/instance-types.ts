/** AWS puts a g after the generation of its instance types with Graviton processors, as in ml.c7g.xlarge. */
export function architectureOf(instanceType: string): 'arm64' | 'amd64' {
  return /^ml\.[a-z]+\d+g[a-z]*\./.test(instanceType) ? 'arm64' : 'amd64'
}
