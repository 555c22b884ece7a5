import { tag, view } from './view.ts'
import type { World } from './world.ts'

/**
 * What is in the cloud of objects that are gone, in words; of one with deletionPolicy Retain, only what still carries its tags.
 * @param orphaned of those whose finalizer was taken off by hand, or of the others
 */
export async function leftovers(world: World, orphaned: boolean): Promise<string[]> {
  const { stranger, namespace } = world
  const now = view(world.cloud)
  const named = [
    ...now.endpoints.map((each) => ({ what: 'endpoint', name: each.EndpointName, tagged: each })),
    ...now.endpointConfigs.map((each) => ({ what: 'configuration', name: each.EndpointConfigName, tagged: each })),
    ...now.models.map((each) => ({ what: 'model', name: each.ModelName, tagged: each })),
  ]
  const { Topics = [] } = await stranger.aws.sns.listTopics({})
  const scaling = [
    ...Topics.map(({ TopicArn = '' }) => ({ what: 'topic', name: TopicArn.split(':').at(-1) ?? '' })),
    ...now.targets.map(({ resourceId }) => ({ what: 'scalable target', name: resourceId.split('/')[1] ?? '' })),
    ...now.policies.map(({ name, resourceId }) => ({ what: `policy ${name}`, name: resourceId.split('/')[1] ?? '' })),
    ...now.alarms.map(({ name }) => ({ what: 'alarm', name })),
  ]
  const left: string[] = []
  for (const { uid, endpointName, deleted, retained, stripped } of world.subjects) {
    if (!deleted || stripped !== orphaned) continue
    const theirs = ({ name }: { name: string }) =>
      (name === endpointName || name.startsWith(`${endpointName}-`) || name.includes(`/${endpointName}/`)) &&
      !stranger.owns(name)
    for (const { what, name, tagged } of named) {
      const ours = tag(tagged, 'mooring.dev/uid') === uid && tag(tagged, 'mooring.dev/cluster') === namespace
      if (ours || (!retained && theirs({ name }))) left.push(`the ${what} ${name} is left of a deleted object`)
    }
    if (!retained)
      for (const { what, name } of scaling.filter(theirs))
        left.push(`the ${what} of ${name} is left of a deleted object`)
  }
  return left
}
