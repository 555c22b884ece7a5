/**
 * On-demand prices of SageMaker hosting in us-east-1, USD an hour and instance, as of BUILT_IN_AS_OF.
 *
 * Not read from AWS by us: the figures are copies in public repositories, most of them in several that agree; of ml.g4dn.2xlarge and
 * ml.g5.xlarge there are also copies that differ. Those of ml.m5 and ml.g5 stand in notes of readings of AWS's Price List between June and
 * September 2026. Asynchronous inference has usage types of its own (AsyncInf) with the
 * same prices as hosting where both were noted. Only what was found is here: other types and regions need a file or the Price List.
 */
export const BUILT_IN_AS_OF = '2026-09'
export const BUILT_IN_PRICES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'us-east-1': {
    'ml.m5.large': 0.115,
    'ml.m5.xlarge': 0.23,
    'ml.m5.2xlarge': 0.461,
    'ml.g4dn.xlarge': 0.736,
    'ml.g4dn.2xlarge': 0.94,
    'ml.g5.xlarge': 1.408,
    'ml.g5.2xlarge': 1.515,
    'ml.g5.4xlarge': 2.03,
    'ml.g5.8xlarge': 3.06,
    'ml.g5.12xlarge': 7.09,
    'ml.g5.24xlarge': 10.18,
    'ml.g5.48xlarge': 20.36,
    'ml.g6.xlarge': 1.127,
    'ml.g6.2xlarge': 1.222,
    'ml.g6.4xlarge': 1.654,
    'ml.g6.12xlarge': 5.752,
  },
}
