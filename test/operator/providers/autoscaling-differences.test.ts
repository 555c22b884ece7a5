import test from 'ava'
import { includes } from '../../../operator/providers/autoscaling-differences.ts'

test('what AWS adds by itself is no difference, what it lacks or changes is', (t) => {
  const wanted = { TargetValue: 5, Metric: { Dimensions: [{ Name: 'EndpointName', Value: 'x' }] } }
  t.true(includes({ ...wanted, DisableScaleIn: false }, wanted))
  t.false(includes({ ...wanted, TargetValue: 6 }, wanted))
  t.false(includes({ TargetValue: 5 }, wanted))
  t.false(includes(undefined, wanted))
  t.false(includes({ TargetValue: 5, Metric: { Dimensions: [] } }, wanted))
  t.false(includes({ TargetValue: 5, Metric: { Dimensions: [wanted.Metric.Dimensions[0], { Name: 'y' }] } }, wanted))
})
