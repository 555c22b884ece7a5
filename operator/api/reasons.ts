/** What a reason means and what to do about it, for docs/conditions.md. */
export type ReasonPage = {
  /** The conditions that may carry it. */
  on: string
  means: string
  /** Empty where nothing needs to be done. */
  remedy: string
}

/**
 * Every reason that a condition of ours may carry, for programs a constant, for people a page. A setter takes no other, so that
 * the pages are complete.
 */
export const REASONS = {
  // The object as a whole.
  AwaitingReconciliation: {
    on: 'any',
    means: 'No step has decided this yet for the newest spec.',
    remedy:
      'Wait. If it stays, the operator is not running, does not watch this namespace, or has lost its lease: look at its log.',
  },
  Ready: { on: 'Ready', means: 'Everything that was asked for is in place.', remedy: '' },
  Settled: { on: 'Progressing', means: 'Nothing is under way.', remedy: '' },
  AsDeclared: { on: 'Degraded', means: 'AWS is as the object declares.', remedy: '' },
  Paused: {
    on: 'Progressing',
    means:
      'The annotation `mooring.dev/paused: "true"` keeps Mooring from acting. The endpoint serves and scales on by itself.',
    remedy: 'Take the annotation off. Deletion runs in spite of it.',
  },

  // The image.
  Pinned: { on: 'Resolved, ImageReady', means: 'The reference was resolved to a digest.', remedy: '' },
  ChecksPassed: {
    on: 'Verified',
    means: 'The image passed its checks, and its contract test where there is one. Warnings are in the message.',
    remedy: '',
  },
  ChecksFailed: {
    on: 'Verified',
    means: 'The image did not pass a check of `spec.checks`. Endpoints stay on the digest that they have.',
    remedy:
      'Read `status.checks`, where each check says what it found and what to do; docs/image-checks.md explains them. Where a check is wrong about your image, set its policy to Warn.',
  },
  ChecksPending: {
    on: 'Verified, UpdateAvailable',
    means: 'A check could not be told yet: the registry did not answer, or its scan is under way.',
    remedy: 'Wait: it is asked again. `status.checks` says which check waits, and for what.',
  },
  UpToDate: { on: 'UpdateAvailable', means: 'The image in use is what the reference stands for.', remedy: '' },
  AwaitingApproval: {
    on: 'UpdateAvailable',
    means:
      'Another image is behind the reference, passed its checks, and waits for approval, as `spec.update: Manual` asks.',
    remedy: 'Set the annotation `mooring.dev/approve` to its digest, or to the first 12 digits of it, to use it.',
  },
  CandidateRejected: {
    on: 'UpdateAvailable',
    means: 'Another image is behind the reference, and did not pass its checks. The one in use stays.',
    remedy: 'Read `status.checks`, mend the image and push it again.',
  },
  VersionRangeInvalid: {
    on: 'Resolved',
    means: '`spec.update` is neither Automatic nor Manual, nor a range of semantic versions.',
    remedy: "Write a range such as '^1.4' or '>=2.0.0 <3.0.0'.",
  },
  NoMatchingTag: {
    on: 'Resolved',
    means: 'The repository has no tag that is a version in the range of `spec.update`.',
    remedy:
      'Push one, such as 1.4.0 or v1.4.0, or widen the range. Versions with a suffix, such as 1.4.0-rc1, count only where the range names one.',
  },
  PullSecretMissing: {
    on: 'Resolved',
    means: 'A Secret of `spec.imagePullSecrets` is not there, is of another type, or may not be read by the operator.',
    remedy:
      'Create it with `kubectl create secret docker-registry`, and install the chart with `rbac.pullSecrets: true`, without which the operator reads no Secrets.',
  },
  RepositoryNotApproved: {
    on: 'Resolved',
    means: 'The operator’s configuration does not allow images of this repository in this namespace.',
    remedy: 'Use an approved repository, or have whoever runs the operator add this one: chart value `approved`.',
  },
  RoleNotApproved: {
    on: 'ModelReady',
    means: 'The operator’s configuration does not allow `spec.executionRoleArn` in this namespace.',
    remedy: 'Use an approved role, or have whoever runs the operator add this one: chart value `approved`.',
  },
  BucketNotApproved: {
    on: 'ConfigReady',
    means:
      'The operator’s configuration does not allow a bucket that the spec names in this namespace; the message names the field.',
    remedy: 'Use an approved bucket, or have whoever runs the operator add this one: chart value `approved`.',
  },
  RegistryNotSupported: {
    on: 'ImageReady',
    means: 'The image is in a registry that SageMaker does not pull from. It pulls from Amazon ECR.',
    remedy: 'Push the image to Amazon ECR, in the endpoint’s region, and name it there in the ModelImage.',
  },
  ImageMissing: {
    on: 'ImageReady',
    means: 'There is no ModelImage of that name in the namespace.',
    remedy:
      'Apply it, or correct `spec.imageRef.name`. An endpoint that serves already goes on with the digest it has.',
  },
  ImageNotReady: {
    on: 'ImageReady',
    means: 'The ModelImage has no digest that was verified for its newest spec.',
    remedy: 'Look at the ModelImage: its own conditions say why.',
  },
  WrongPlatform: {
    on: 'Resolved, ImageReady',
    means: "The image is built for another processor architecture than the instance type's.",
    remedy: 'Build it with `--platform`, or choose another instance type.',
  },
  RepositoryNotFound: {
    on: 'Resolved',
    means: 'The registry has no such repository.',
    remedy: 'Create the repository, or correct the registry, account, region or name in `spec.image`.',
  },
  ImageNotFound: {
    on: 'Resolved, ModelReady, EndpointInService',
    means: 'The repository has no such tag or digest, or SageMaker cannot find it.',
    remedy: 'Push the image, and let the execution role pull it.',
  },
  ImageInvalid: {
    on: 'Resolved, ModelReady',
    means: 'What the reference stands for cannot be used as an image.',
    remedy: 'Push a single-platform Linux image to Amazon ECR, and name it by tag or digest.',
  },
  ManifestUnreadable: {
    on: 'Resolved',
    means: 'The image manifest in the registry cannot be read.',
    remedy: 'Push the image again with a current tool.',
  },
  ConfigUnreadable: {
    on: 'Resolved',
    means: 'The image configuration in the registry cannot be read.',
    remedy: 'Push the image again with a current tool.',
  },
  DigestMismatch: {
    on: 'Resolved',
    means:
      'What the registry sent is not what its digest says: it was damaged or exchanged on the way, or in the registry.',
    remedy: 'Look at the registry, and at any proxy or cache before it. Nothing of what it sent is used.',
  },
  RegistryDenied: {
    on: 'Resolved',
    means:
      'The registry does not let the operator read the repository, or asks for a password in a way that is not safe.',
    remedy: 'Name a pull secret for the registry in `spec.imagePullSecrets`; the message says what was refused.',
  },
  RegistryUnavailable: {
    on: 'Resolved',
    means: 'The registry does not answer, fails, or limits the rate of requests.',
    remedy: 'Nothing: it is tried again. If it lasts, look at the registry and at the operator’s network.',
  },
  ImagePullDenied: {
    on: 'ModelReady, EndpointInService',
    means: 'The execution role, or the repository policy, does not let SageMaker pull the image.',
    remedy:
      'Allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability on the repository, and ecr:GetAuthorizationToken.',
  },

  // AWS as such.
  Throttled: {
    on: 'any',
    means: 'AWS limits the rate of requests at the moment.',
    remedy:
      'Nothing: Mooring slows down and tries again. If it lasts, other tools use up the account’s limits; lower `MOORING_AWS_RATES`.',
  },
  InProgress: {
    on: 'any',
    means: 'AWS is changing the resource, perhaps because autoscaling asked for it.',
    remedy: 'Wait: it is tried again when that is done.',
  },
  AwsUnavailable: {
    on: 'any',
    means: 'AWS did not answer, or failed by itself.',
    remedy: 'Nothing: it is tried again. If it lasts, look at the AWS Health Dashboard and at the operator’s network.',
  },
  AccessDenied: {
    on: 'any',
    means: 'The operator’s IAM role may not make this call; the message names the call.',
    remedy: 'Compare the role’s policy with docs/iam-policy.json.',
  },
  NoCredentials: {
    on: 'any',
    means: 'The operator has no valid AWS credentials.',
    remedy: 'Give its service account an IAM role (EKS Pod Identity or IRSA).',
  },
  QuotaExceeded: {
    on: 'EndpointInService',
    means: 'The account’s quota does not allow that many instances of the type.',
    remedy: 'Raise the quota in Service Quotas, free instances elsewhere, or choose another type. It is tried again.',
  },
  Refused: {
    on: 'any',
    means: 'AWS refused the request; the message gives its words.',
    remedy: 'Change what the message names.',
  },

  // Model and configuration.
  Created: {
    on: 'ModelReady, ConfigReady',
    means: 'The model or configuration of this revision is there.',
    remedy: '',
  },
  NameTaken: {
    on: 'ModelReady, ConfigReady, EndpointInService',
    means:
      'Something of that name exists in SageMaker, or among the SNS topics, and belongs to somebody else, by its tags. It is left alone.',
    remedy:
      'Delete it, or give this object another name. To take over an endpoint that no other object owns, set `spec.adopt`.',
  },
  RevisionMissing: {
    on: 'ModelReady, ConfigReady',
    means: 'The model or configuration of the earlier revision that is to serve no longer exists.',
    remedy: 'Set `spec.revision` to another revision of `status.revisions`, or take it out.',
  },
  InstancePoolsRefused: {
    on: 'ConfigReady',
    means: 'SageMaker does not accept instance pools here.',
    remedy: 'Set `spec.instance.fallback.mode: InOrder`, with which Mooring itself tries one type after another.',
  },
  BucketNotFound: {
    on: 'ConfigReady',
    means:
      'S3 has no bucket of a name that the spec gives; the message names the field. No instance is started for it.',
    remedy: 'Create the bucket, or correct the field. It is looked at again within minutes.',
  },
  BucketInOtherRegion: {
    on: 'ConfigReady',
    means: 'A bucket for output or model data is in another region than the endpoint. No instance is started for it.',
    remedy: 'Name a bucket in `spec.region`, or make the object anew for the region of the bucket.',
  },
  ModelDataUnavailable: {
    on: 'ModelReady, EndpointInService',
    means: 'SageMaker cannot read the archive at `spec.modelDataUrl`.',
    remedy: 'Put it there, in the same region, and let the execution role read it: s3:GetObject.',
  },
  ModelDataInvalid: {
    on: 'EndpointInService',
    means: 'The archive at `spec.modelDataUrl` cannot be unpacked.',
    remedy: 'It must be a .tar.gz without symbolic links.',
  },
  RoleCannotBeAssumed: {
    on: 'ModelReady, ConfigReady, EndpointInService',
    means: 'SageMaker cannot assume `spec.executionRoleArn`.',
    remedy:
      'The role must exist and its trust policy must allow sts:AssumeRole to sagemaker.amazonaws.com. A new role takes up to a minute.',
  },
  TopicDenied: {
    on: 'EndpointInService',
    means: 'SageMaker may not publish to a topic of `spec.async.notifications`.',
    remedy: 'Let the execution role publish to it: sns:Publish.',
  },
  NotSupported: {
    on: 'ConfigReady, EndpointInService',
    means: 'The region does not offer asynchronous inference with this configuration.',
    remedy: 'Use another region or instance type.',
  },

  // The endpoint.
  Creating: {
    on: 'EndpointInService',
    means: 'SageMaker is creating the endpoint.',
    remedy: 'Wait: 4 to 15 minutes with a GPU.',
  },
  CreatingForLong: {
    on: 'EndpointInService',
    means:
      'SageMaker has been creating the endpoint for more than an hour. It cannot be deleted meanwhile, and may be billed.',
    remedy:
      'Look at the container’s log; no log at all means that it never started. Mooring waits, and deletes or recreates the endpoint as soon as SageMaker lets it.',
  },
  ConfigNotVisible: {
    on: 'EndpointInService',
    means: 'SageMaker does not see the new endpoint configuration yet.',
    remedy: 'Nothing: it is tried again within seconds.',
  },
  InService: { on: 'EndpointInService', means: 'The endpoint serves with the wanted configuration.', remedy: '' },
  PinnedToRevision: {
    on: 'EndpointInService',
    means: 'The endpoint serves the revision that `spec.revision` names, not what the rest of the spec describes.',
    remedy: 'When the spec is mended: `kubectl mooring resume`, or take `spec.revision` out.',
  },
  Updating: {
    on: 'EndpointInService, AutoscalingReady',
    means: 'SageMaker is moving the endpoint to another configuration; the one before serves until that is done.',
    remedy: 'Wait.',
  },
  UpdateRolledBack: {
    on: 'EndpointInService',
    means:
      'SageMaker went back to the configuration from before, which serves. It may say so with or without a reason.',
    remedy:
      'Read `status.lastFailure`, change the spec or the image, or set the annotation `mooring.dev/retry` to a new value. The same change is not tried again by itself.',
  },
  SmokeTestRolledBack: {
    on: 'EndpointInService',
    means: 'The new revision did not pass its smoke test, and Mooring went back to the last one that did.',
    remedy:
      'Read `status.smokeTest.message`, mend the container or the test, and apply it; or set `mooring.dev/retry` to a new value.',
  },
  RecreateRolledBack: {
    on: 'EndpointInService',
    means: 'The endpoint could not be created with the new revision, and was created again with the last good one.',
    remedy: 'Read `status.lastFailure`, change the spec or the image, or set `mooring.dev/retry` to a new value.',
  },
  RollingBack: {
    on: 'EndpointInService',
    means: 'The new revision failed; the endpoint is on its way back to the last good one.',
    remedy: 'Wait.',
  },
  RollbackFailed: {
    on: 'EndpointInService',
    means: 'The new revision failed, and SageMaker did not take the endpoint back to the last good one.',
    remedy: 'Change the spec or the image, or set `mooring.dev/retry` to a new value.',
  },
  UpdateRollbackFailed: {
    on: 'EndpointInService',
    means: 'SageMaker could neither finish an update nor go back: old and new instances serve side by side.',
    remedy: 'Change the spec or the image, or set `mooring.dev/retry` to a new value: another update is the way out.',
  },
  ConfigInUseMissing: {
    on: 'EndpointInService',
    means: 'Somebody deleted the configuration that the endpoint serves with. SageMaker updates no such endpoint.',
    remedy:
      'Set the annotation `mooring.dev/retry` to a new value: Mooring then deletes the endpoint and creates it again, which interrupts it.',
  },
  Recovering: {
    on: 'EndpointInService',
    means: 'The endpoint failed or is to be replaced: it is being deleted, or waits for its next creation.',
    remedy: 'Wait. `status.lastFailure` says what happened, `status.recovery` when the next attempt is due.',
  },
  RecoveryExhausted: {
    on: 'EndpointInService',
    means: 'The endpoint failed more often than `spec.recovery.maxAttempts` allows.',
    remedy: 'Mend the cause in `status.lastFailure`, then change the spec or the image, or set `mooring.dev/retry`.',
  },
  Failed: {
    on: 'EndpointInService',
    means: 'The endpoint failed, and SageMaker’s reason is none that Mooring knows.',
    remedy: 'Read `status.lastFailure` with the container’s last log lines. It is tried again, with growing pauses.',
  },
  Unhealthy: {
    on: 'EndpointInService',
    means:
      'The endpoint says InService, but has had no running instance for longer than `spec.recovery.unhealthyAfterSeconds`.',
    remedy: 'Mooring recreates it. If that repeats, read `status.lastFailure`.',
  },
  InsufficientCapacity: {
    on: 'EndpointInService',
    means: 'AWS has no such instance free at the moment.',
    remedy: 'It is tried again. `spec.instance.fallback` names other types to use then; another region may also help.',
  },
  PingFailed: {
    on: 'EndpointInService',
    means: 'The container did not answer GET /ping on port 8080 in time.',
    remedy:
      'Read the log in `status.lastFailure`. Large models need a longer `spec.instance.containerStartupHealthCheckTimeoutInSeconds`. A digest that never answered is not tried again until something changes.',
  },
  ContainerCannotStart: {
    on: 'EndpointInService',
    means: 'The container could not be started.',
    remedy: 'It must start with `docker run <image> serve`: correct its ENTRYPOINT and push it again.',
  },
  ServiceFailure: {
    on: 'EndpointInService',
    means: 'Something inside AWS failed; an image for another processor architecture looks the same.',
    remedy: 'It is tried again. Check the image’s platform.',
  },
  AdoptionTargetMissing: {
    on: 'EndpointInService',
    means: 'There is no endpoint of the name in `spec.adopt`.',
    remedy: 'Correct the name, or take `spec.adopt` out, so that Mooring creates an endpoint of its own.',
  },
  AdoptionRefused: {
    on: 'EndpointInService',
    means: 'The endpoint in `spec.adopt` cannot be run by this kind: it is not asynchronous, or has several variants.',
    remedy: 'Take `spec.adopt` out, or adopt another endpoint.',
  },
  EndpointNotInService: {
    on: 'AutoscalingReady, SmokeTestPassed',
    means: 'This follows when the endpoint is in service.',
    remedy: '',
  },
  WaitingToDelete: {
    on: 'EndpointInService',
    means: 'The object is deleted, but SageMaker deletes no endpoint that is being changed.',
    remedy: 'Wait: the endpoint is deleted as soon as SageMaker lets it. Creation may take more than an hour.',
  },
  Deleting: {
    on: 'EndpointInService',
    means: 'The object is deleted, and SageMaker is deleting the endpoint.',
    remedy: 'Wait.',
  },

  // Scaling.
  Registered: { on: 'AutoscalingReady', means: 'Scalable target, policies and alarm are as declared.', remedy: '' },

  // The smoke test.
  NotRequested: { on: 'SmokeTestPassed', means: '`spec.smokeTest` is not set.', remedy: '' },
  ContractTestPending: {
    on: 'Verified',
    means: 'The contract test of the newest digest is under way, or waits for its turn.',
    remedy: 'Wait; `status.contractTest` says what it waits for.',
  },
  ContractTestPassed: {
    on: 'Verified',
    means: 'The image kept the contract: `/ping`, the sample requests, SIGTERM.',
    remedy: '',
  },
  ContractTestFailed: {
    on: 'Verified',
    means: 'The image did not keep the contract that SageMaker demands.',
    remedy:
      '`status.contractTest.phases` says what was wrong, `logTail` what the container printed. Mend the image and push it, or correct `spec.contractTest`.',
  },
  ContractTestNotRun: {
    on: 'Verified',
    means: 'The contract test could not be run, which says nothing about the image.',
    remedy:
      'Do what the message says; it is tried three times, and again for each new value of the annotation `mooring.dev/contract-test`.',
  },
  ContractTestDisabled: {
    on: 'Verified',
    means: 'The image asks for a contract test, and this Mooring runs none.',
    remedy:
      'Set the chart value `contractTest.enabled`, or set `spec.contractTest.required` to false, or take the block away.',
  },
  Answered: { on: 'SmokeTestPassed', means: 'The endpoint answered as expected.', remedy: '' },
  AwaitingAnswer: { on: 'SmokeTestPassed', means: 'The request was sent; its answer is awaited.', remedy: 'Wait.' },
  SmokeTestFailed: {
    on: 'SmokeTestPassed',
    means: 'The endpoint did not answer as expected; the message says what was wrong.',
    remedy:
      'Mend the container and push it, or set the annotation `mooring.dev/smoke-test` to a new value to test again.',
  },
  DeferredUntilAwake: {
    on: 'SmokeTestPassed',
    means: 'The endpoint was updated while it had no instance. The test would wake it, and waits until requests do.',
    remedy:
      'Nothing, if that may wait. The annotation `mooring.dev/smoke-test` wakes the endpoint and tests it; `spec.rollout.wakeForSmokeTest` lets every update do so.',
  },
  SmokeTestInputMissing: {
    on: 'SmokeTestPassed',
    means: 'The ConfigMap or key that holds the test’s input is not there, is too large, or may not be read.',
    remedy: 'Do what the message says. It is looked at again every minute.',
  },

  // The budget.
  WithinBudget: {
    on: 'WithinBudget',
    means: 'The month has cost less than `spec.budget.monthlyUsd` so far.',
    remedy: '',
  },
  BudgetExceeded: {
    on: 'WithinBudget',
    means:
      'The month has cost what `spec.budget.monthlyUsd` allows. Scaling out is held, and with it waking from zero: requests wait in the queue until they expire. What runs goes on running.',
    remedy: 'Raise the budget, or wait for the next calendar month (UTC).',
  },
  PriceUnknown: {
    on: 'WithinBudget',
    means: 'Nobody knows the price of the instance type in the region, so that nothing can be held against the budget.',
    remedy:
      'Give the operator a price file (chart value `prices`), or let it ask AWS’s Price List (chart value `priceList`). See docs/cost.md.',
  },
} as const satisfies Record<string, ReasonPage>

export type Reason = keyof typeof REASONS
