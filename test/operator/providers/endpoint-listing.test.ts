import { DeleteEndpointCommand, SageMaker } from '@aws-sdk/client-sagemaker'
import test from 'ava'
import { endpoints } from '../../../operator/providers/endpoint.ts'
import { endpointListing } from '../../../operator/providers/endpoint-listing.ts'
import { cloudWithClients, endpointInService } from '../../local/cloud-clients.ts'

const { signal } = new AbortController()

test('a listing confirms an endpoint that is as it was described, and no other', async (t) => {
  const { cloud, aws } = await cloudWithClients(t)
  const sagemaker = new SageMaker({
    endpoint: cloud.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  t.teardown(async () => sagemaker.destroy())
  const listing = endpointListing(sagemaker, () => 7)
  t.is(listing.latest(), undefined)
  await endpointInService(aws, 'ep')
  const seen = await endpoints(sagemaker).observe('ep', signal)
  if (!seen) throw new Error('the endpoint is not there')
  const found = await listing.refresh(1, signal)
  t.is(found, listing.latest())
  t.is(found?.startedAt, 7)
  t.true(found?.confirms('ep', seen))
  t.false(found?.confirms('ep', { ...seen, status: 'Updating' }))
  t.false(found?.confirms('ep', { ...seen, modifiedAt: new Date(0) }))
  t.false(found?.confirms('other', seen))
  await aws.sagemaker.send(new DeleteEndpointCommand({ EndpointName: 'ep' }))
  t.false((await listing.refresh(1, signal))?.confirms('ep', seen))
})

test('all pages are read, but not more than are worth it; a listing that failed leaves none', async (t) => {
  let pages = 3
  let failing = false
  const api = {
    async listEndpoints({ NextToken }: { NextToken?: string | undefined }) {
      if (failing) throw new Error('no')
      const page = Number(NextToken ?? 0)
      return {
        $metadata: {},
        Endpoints: [
          {
            EndpointName: `ep-${page}`,
            EndpointArn: '',
            CreationTime: new Date(1),
            EndpointStatus: 'InService' as const,
            LastModifiedTime: new Date(1),
          },
        ],
        ...(page + 1 < pages ? { NextToken: String(page + 1) } : {}),
      }
    },
  }
  const listing = endpointListing(api, () => 0)
  t.true((await listing.refresh(3, signal))?.confirms('ep-2', { status: 'InService', modifiedAt: new Date(1) }))
  pages = 4
  t.is(await listing.refresh(3, signal), undefined)
  t.is(listing.latest(), undefined)
  pages = 1
  await listing.refresh(3, signal)
  failing = true
  await t.throwsAsync(listing.refresh(3, signal))
  t.is(listing.latest(), undefined)
})
