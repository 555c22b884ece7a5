import test from 'ava'
import { chooseProvider } from '../../../inference-server/runtime/provider.ts'

const broken = async () => 'Failed to load shared library'
const works = async () => undefined

test('CUDA is taken where it works', async (t) => {
  t.deepEqual(await chooseProvider('auto', works), { provider: 'cuda' })
  t.deepEqual(await chooseProvider('cuda', works), { provider: 'cuda' })
})

test('where it does not, the CPU is taken with the reason, or the start refused when CUDA is demanded', async (t) => {
  t.deepEqual(await chooseProvider('auto', broken), {
    provider: 'cpu',
    reason: 'CUDA cannot be used: Failed to load shared library',
  })
  await t.throwsAsync(chooseProvider('cuda', broken), { message: /MOORING_PROVIDER=cuda.*Failed to load/ })
})

test('who asks for the CPU is not probed', async (t) => {
  const { provider } = await chooseProvider('cpu', () => Promise.reject(new Error('probed')))
  t.is(provider, 'cpu')
})

test('this installation says why it has no CUDA, instead of serving on a CPU in silence', async (t) => {
  t.deepEqual(await chooseProvider('auto'), {
    provider: 'cpu',
    reason: 'CUDA cannot be used: this installation has no CUDA provider',
  })
})
