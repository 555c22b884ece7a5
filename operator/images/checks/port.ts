import { type Check, defect, pass } from './finding.ts'
import { listed } from './text.ts'

/** https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-real-time.html */
const BIND_TO_PORT = 'com.amazonaws.sagemaker.capabilities.accept-bind-to-port'

/** The image says that it listens where SageMaker asks. What it truly listens on, only the contract test sees. */
export const port: Check<'port'> = {
  find(_, { config }) {
    if (config.exposedPorts.some((exposed) => exposed === '8080/tcp' || exposed === '8080'))
      return pass('The image declares port 8080.')
    if (config.labels[BIND_TO_PORT] === 'true') return pass('The image listens where SAGEMAKER_BIND_TO_PORT says.')
    const declared = config.exposedPorts.length > 0 ? `declares ${listed(config.exposedPorts)}` : 'declares no port'
    return defect(
      `The image ${declared}, and SageMaker asks for /ping on port 8080: listen there, and write EXPOSE 8080, or LABEL ${BIND_TO_PORT}=true where the server follows SAGEMAKER_BIND_TO_PORT.`,
    )
  },
}
