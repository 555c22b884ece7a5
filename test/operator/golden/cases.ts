export type GoldenCase = {
  /** What happens, where the name does not say it. */
  situation: string
  /** What ACK's sagemaker-controller does then, by its code and its own expected results. */
  ack: string
  /** What Mooring does then: held by the test. */
  mooring: string
}

/**
 * Situations of ACK's sagemaker-controller: those of the test_suite.yaml files below pkg/resource (commit dc49707, where the runner
 * that read them is commented out), named `<suite> <case>`, and those that its users wrote issues about.
 */
export const CASES = {
  'endpoint Create=InvalidInput': {
    situation: 'CreateEndpoint is refused with InvalidParameterValue.',
    ack: 'Terminal. Nothing is tried again until the spec is edited or the controller restarts.',
    mooring: 'AWS’s words stand in the condition; it is asked again slowly, and needs no edit once AWS agrees',
  },
  'endpoint Create=Valid': {
    situation: 'CreateEndpoint succeeds.',
    ack: 'The ARN in status; not synced until InService. Scaling is other objects’ business.',
    mooring: 'Ready only when the endpoint is InService on the wanted configuration with its scaling in place',
  },
  'endpoint Create=DeploymentConfig': {
    situation: 'A deployment policy is declared from the start.',
    ack: 'Sent with CreateEndpoint, and again with each update.',
    mooring: 'spec.rollout is taken as declared, and the endpoint made; the policy counts from the first update on',
  },
  'endpoint ReadOne=MissingRequiredField': {
    situation: 'A required field is missing.',
    ack: 'No call to AWS; the resource counts as not found.',
    mooring: 'the API server refuses the object and names the field; nothing is called',
  },
  'endpoint ReadOne=NotFound': {
    situation: 'The endpoint was deleted by somebody else.',
    ack: 'Created again at the next resync; its scaling comes back within ten hours, by another controller.',
    mooring: 'created again with its scaling, and an Event says that it was missing',
  },
  'endpoint ReadOne=Fail': {
    situation: 'DescribeEndpoint answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error, request id included, and back.',
    mooring: 'an endpoint that serves stays Ready; only Progressing says that something is tried again',
  },
  'endpoint ReadOne=AfterCreate': {
    situation: 'The endpoint is Creating.',
    ack: 'ACK.ResourceSynced False.',
    mooring: 'Progressing, with the reason Creating, for this generation',
  },
  'endpoint ReadOne=LateInitialize': {
    situation: 'Nothing differs.',
    ack: 'No difference, yet status is written at every loop, every 30 s.',
    mooring: 'look after look writes nothing: the resourceVersion stays',
  },
  'endpoint ReadOne=InService': {
    situation: 'The endpoint is InService.',
    ack: 'ACK.ResourceSynced True, whether or not it can scale or answer.',
    mooring: 'InService is not Ready while its scaling could not be registered',
  },
  'endpoint ReadOne=AfterUpdate': {
    situation: 'The endpoint is Updating.',
    ack: 'ACK.ResourceSynced False.',
    mooring: 'Progressing, with the reason Updating; status says which configuration is rolled out',
  },
  'endpoint ReadOne=FailedStatus': {
    situation: 'The endpoint is Failed.',
    ack: 'Terminal and synced at once: `kubectl wait` for synced succeeds. The user deletes it by hand.',
    mooring: 'the reason is noted, the endpoint deleted and created again, and Ready',
  },
  'endpoint ReadOne=UpdateDeploymentConfig': {
    situation: 'The endpoint is Updating under a deployment policy.',
    ack: 'ACK.ResourceSynced False; the pending deployment is in status.',
    mooring: 'Progressing until the traffic has moved, and Ready only then',
  },
  'endpoint Update=StatusUpdating': {
    situation: 'The spec is edited while the endpoint is Updating.',
    ack: 'Requeued every 30 s until the update has ended.',
    mooring: 'edits meanwhile are one update to the newest when the first has ended',
  },
  'endpoint Update=StatusFailed': {
    situation: 'The spec of a Failed endpoint is edited.',
    ack: 'Refused: Terminal. No edit leads out.',
    mooring: 'the edit is the way out: the failed endpoint is replaced by one with the new configuration',
  },
  'endpoint Update=NoRetryIfSameEndpointConfigName': {
    situation: 'An update failed and was rolled back.',
    ack: 'Not tried again; only another configuration name leads out.',
    mooring: 'not tried again by itself; the annotation mooring.dev/retry tries the same once more',
  },
  'endpoint Update=Fail': {
    situation: 'UpdateEndpoint answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error; tried again.',
    mooring: 'tried again with backoff, and rolled out once',
  },
  'endpoint Update=InService': {
    situation: 'UpdateEndpoint succeeds.',
    ack: 'The configuration’s name is kept in an annotation, by a second write.',
    mooring: 'status remembers the attempt, and one edit is one UpdateEndpoint',
  },
  'endpoint Update=DeploymentConfig': {
    situation: 'UpdateEndpoint with a deployment policy: canary, wait, alarms.',
    ack: 'Sent as typed. What SageMaker refuses of it is seen when it refuses.',
    mooring: 'sent with the update; steps that SageMaker would refuse, the API server refuses first',
  },
  'endpoint Delete=RequeueOnCreating': {
    situation: 'The object is deleted while the endpoint is Creating.',
    ack: 'Requeued; nothing is said but that it cannot be deleted.',
    mooring: 'the condition says what is waited for and that it may be billed; then nothing is left',
  },
  'endpoint Delete=Fail': {
    situation: 'DeleteEndpoint answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error; tried again.',
    mooring: 'tried again with backoff until nothing is left, with the finalizer in place',
  },
  'endpoint Delete=Successful': {
    situation: 'DeleteEndpoint succeeds.',
    ack: 'Polled until it is gone; `kubectl delete -f` removes model and configuration while the endpoint needs them.',
    mooring: 'alarm and scaling first, then the endpoint, and when it is gone configuration and model',
  },

  'endpoint_config Create=InvalidInput': {
    situation: 'CreateEndpointConfig is refused with InvalidParameterValue.',
    ack: 'Terminal. Nothing is tried again until the spec is edited.',
    mooring: 'AWS’s words stand in ConfigReady; no endpoint is asked for; it goes on by itself once AWS agrees',
  },
  'endpoint_config Create=Valid': {
    situation: 'CreateEndpointConfig succeeds.',
    ack: 'The ARN in status.',
    mooring: 'one call; its name stands for its content, its tags for whose it is',
  },
  'endpoint_config ReadOne=MissingRequiredField': {
    situation: 'A required field is missing.',
    ack: 'No call to AWS; the resource counts as not found.',
    mooring: 'the API server refuses the object and names the field; nothing is called',
  },
  'endpoint_config ReadOne=NotFound': {
    situation: 'The configuration was deleted by somebody else.',
    ack: 'Seen at the next resync: within ten hours.',
    mooring: 'made again under the same name at the next check, while the endpoint goes on',
  },
  'endpoint_config ReadOne=Fail': {
    situation: 'DescribeEndpointConfig answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error.',
    mooring: 'an endpoint that serves stays Ready; only Progressing says that something is tried again',
  },
  'endpoint_config ReadOne=AfterCreate': {
    situation: 'Nothing differs.',
    ack: 'No difference; two reads per resync.',
    mooring: 'not even asked for between checks: a configuration cannot change',
  },
  'endpoint_config ReadOne=LateInitialize': {
    situation: 'AWS fills in defaults after creation.',
    ack: 'They are copied into the spec, which then is not what the user wrote.',
    mooring: 'the spec stays as written: the generation never moves by itself',
  },
  'endpoint_config ReadOne=SuccessClearsConditions': {
    situation: 'A read succeeds after errors.',
    ack: 'All conditions are cleared and written anew, with the time of this loop.',
    mooring: 'only the condition that was wrong changes; the others keep their times',
  },
  'endpoint_config Update=NotSupported': {
    situation: 'A field of the configuration is edited.',
    ack: 'Accepted by the API server, then Terminal: "not implemented".',
    mooring: 'a new configuration, one update, and the old one deleted',
  },
  'endpoint_config Delete=Fail': {
    situation: 'DeleteEndpointConfig answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error; tried again.',
    mooring: 'tried again with backoff until nothing is left, with the finalizer in place',
  },
  'endpoint_config Delete=Successful': {
    situation: 'DeleteEndpointConfig succeeds.',
    ack: 'Gone at once, even where an endpoint still uses it: SageMaker can then neither update nor patch that endpoint.',
    mooring: 'deleted only after the endpoint is gone',
  },

  'model Create=InvalidInput': {
    situation: 'CreateModel is refused with InvalidParameterValue.',
    ack: 'Terminal. Nothing is tried again until the spec is edited.',
    mooring: 'AWS’s words stand in ModelReady; nothing else is asked for; it goes on by itself once AWS agrees',
  },
  'model Create=Valid': {
    situation: 'CreateModel succeeds.',
    ack: 'The ARN in status.',
    mooring: 'one call; its name stands for its content, its tags for whose it is',
  },
  'model Create=ValidVariation2': {
    situation: 'CreateModel with environment and model data in a primary container.',
    ack: 'The ARN in status. A tag in the image reference is resolved by SageMaker, unseen.',
    mooring: 'the model has them as declared, and the image by its digest',
  },
  'model ReadOne=MissingRequiredField': {
    situation: 'A required field is missing.',
    ack: 'No call to AWS; the resource counts as not found.',
    mooring: 'the API server refuses the object and names the field; nothing is called',
  },
  'model ReadOne=NotFound': {
    situation: 'The model was deleted by somebody else.',
    ack: 'Seen at the next resync: within ten hours.',
    mooring: 'made again under the same name at the next check, while the endpoint goes on',
  },
  'model ReadOne=Fail': {
    situation: 'DescribeModel answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error.',
    mooring: 'an endpoint that serves stays Ready; only Progressing says that something is tried again',
  },
  'model ReadOne=AfterCreate': {
    situation: 'Nothing differs.',
    ack: 'No difference; two reads per resync.',
    mooring: 'not even asked for between checks: a model cannot change',
  },
  'model ReadOne=LateInitialize': {
    situation: 'AWS fills in EnableNetworkIsolation after creation.',
    ack: 'It is copied into the spec, which then is not what the user wrote.',
    mooring: 'the spec stays as written: the generation never moves by itself',
  },
  'model ReadOne=AfterCreateVariation2': {
    situation: 'Nothing differs, for a model with a primary container.',
    ack: 'No difference; two reads per resync.',
    mooring: 'not even asked for between checks: a model cannot change',
  },
  'model Update=NotSupported': {
    situation: 'A field of the model is edited.',
    ack: 'Accepted by the API server, then Terminal: "not implemented". The user makes two new objects and edits a third.',
    mooring: 'a new model and configuration, one update, and the old ones deleted',
  },
  'model Delete=Fail': {
    situation: 'DeleteModel answers ServiceUnavailable.',
    ack: 'ACK.Recoverable with the raw error; tried again.',
    mooring: 'tried again with backoff until nothing is left, with the finalizer in place',
  },
  'model Delete=Successful': {
    situation: 'DeleteModel succeeds.',
    ack: 'Gone at once, even where an endpoint still uses it: its next instance cannot start.',
    mooring: 'deleted last, after endpoint and configuration',
  },

  'community#1732': {
    situation: 'An immutable field is edited, and nobody tells the user what came of it.',
    ack: 'Terminal "not implemented"; `kubectl describe` shows Events: none.',
    mooring: 'the edit is rolled out, and Events say what was begun and what came of it',
  },
  'community#1731': {
    situation: 'A tag is edited.',
    ack: 'Accepted, reported as synced, and never applied.',
    mooring: 'set in SageMaker, with no update; one taken out is taken off',
  },
  'community#1706': {
    situation: 'Capacity is wanted by the clock.',
    ack: 'Scheduled actions are not supported.',
    mooring: 'spec.scaling.schedule makes scheduled actions, and they go with the object',
  },
  'community#1889': {
    situation: 'The controller’s role may not call UpdateEndpoint on the configuration.',
    ack: 'The raw error; the endpoint stays as it is.',
    mooring: 'the condition names what to allow; the endpoint serves on, and follows once it is allowed',
  },
  'community#2510': {
    situation: 'A user looks for Events.',
    ack: 'There are none, for any kind.',
    mooring: 'each transition is an Event once',
  },
  'community#1583': {
    situation: 'A tool must know whether a condition speaks of the newest spec.',
    ack: 'Conditions have no observedGeneration.',
    mooring: 'every condition carries the generation that it speaks of',
  },
  'community#2098': {
    situation: 'The cause of a Terminal error is repaired outside the cluster.',
    ack: 'Not seen until the spec is edited or the controller restarts; the time of the condition moves all the same.',
    mooring: 'what only somebody else can mend is looked at again, and goes on when it is mended',
  },
  'community#2682': {
    situation: 'AWS answers with an error that the controller does not expect.',
    ack: 'Status is not written: some errors leave no condition at all.',
    mooring: 'whatever the error, a condition says what step failed and how',
  },
  'community#1355': {
    situation: 'A scaling policy is changed by hand.',
    ack: 'Not corrected for days; the default resync is ten hours.',
    mooring: 'corrected at the next check, with an Event',
  },
  'community#2963': {
    situation: 'Only an annotation changes.',
    ack: 'Not a reason to reconcile: seen at the next resync.',
    mooring: 'seen at once: mooring.dev/smoke-test sends another test',
  },
  'community#2218': {
    situation: 'An object is settled.',
    ack: 'A Describe and a status write every 30 s: 2,880 a day and endpoint.',
    mooring:
      'one ListEndpoints tells of all endpoints; no more than one look at each between two of them, and no write',
  },
  'applicationautoscaling-controller PR#7': {
    situation: 'An object with scaling policies is deleted.',
    ack: 'Only the object went; the policy stayed.',
    mooring: 'target, both policies and the alarm go with it',
  },
  'community#1707': {
    situation: 'A whole namespace is deleted, every object at once.',
    ack: 'Leftovers.',
    mooring: 'nothing is left, whatever the order in which objects go',
  },
  'amazon-sagemaker-operator-for-k8s#195': {
    situation: 'An endpoint must wake from zero instances.',
    ack: 'Target tracking only, which never wakes one; a step policy and its alarm are two more objects of two controllers.',
    mooring: 'a step policy and the alarm that drives it come with every endpoint',
  },

  'reading: UpdateRollbackFailed': {
    situation: 'An update failed, and so did its rollback.',
    ack: 'Not known to its code: counts as synced.',
    mooring: 'a condition of its own with the way out, which works',
  },
  'reading: rollback without a reason': {
    situation: 'An update is rolled back, and FailureReason is empty.',
    ack: 'Calls UpdateEndpoint again, without bound.',
    mooring: 'seen by the configuration that serves; not tried again',
  },
  'reading: lost answer of a creation': {
    situation: 'CreateEndpoint is done, and its answer is lost.',
    ack: 'The finalizer is dropped on any error at creation: deleted now, the endpoint would stay and be billed.',
    mooring: 'the endpoint is found by its name and tags; deleted now, nothing is left',
  },
  'reading: reverted edit': {
    situation: 'A bad edit was rolled back, and the manifest is reverted.',
    ack: 'Terminal until another configuration name is given.',
    mooring: 'Ready again without any update',
  },
} satisfies Record<string, GoldenCase>

/** What of ACK’s suites and issues has no counterpart here, and why. */
export const NOT_APPLICABLE: { what: string; why: string }[] = [
  {
    what: 'endpoint_config ReadOne=SuccessServerless',
    why: 'asynchronous endpoints run on instances; serverless ones are another kind',
  },
  {
    what: 'inference_component, model_package, model_package_group',
    why: 'no such objects in an asynchronous endpoint of one model',
  },
  {
    what: 'data_quality_, model_bias_ and model_quality_job_definition, monitoring_schedule',
    why: 'Mooring does not monitor models',
  },
  {
    what: 'training_job, processing_job, transform_job, hyper_parameter_tuning_job, pipeline, pipeline_execution',
    why: 'Mooring runs endpoints, not jobs',
  },
  { what: 'feature_group, notebook_instance, notebook_instance_lifecycle_config', why: 'not about inference' },
  { what: 'community#1639 (labelling jobs)', why: 'not about inference' },
]
