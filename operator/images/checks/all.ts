import type { CheckName } from '../../api/image-checks.ts'
import { age } from './age.ts'
import { baseImage } from './base-image.ts'
import { cuda } from './cuda.ts'
import { entrypoint } from './entrypoint.ts'
import { forbiddenEnv, requiredEnv } from './env.ts'
import { execForm } from './exec-form.ts'
import type { Check } from './finding.ts'
import { forbiddenPaths, requiredPaths } from './paths.ts'
import { platform } from './platform.ts'
import { port } from './port.ts'
import { scan } from './scan.ts'
import { secrets } from './secrets.ts'
import { serveArgument } from './serve-argument.ts'
import { signature } from './signature.ts'
import { size } from './size.ts'
import { tag } from './tag.ts'
import { user } from './user.ts'

/** Every check, by the name of its block in spec.checks and in the order of status.checks. */
export const CHECKS: { readonly [Name in CheckName]: Check<Name> } = {
  entrypoint,
  execForm,
  serveArgument,
  port,
  platform,
  user,
  requiredPaths,
  forbiddenPaths,
  requiredEnv,
  forbiddenEnv,
  secrets,
  cuda,
  size,
  age,
  tag,
  baseImage,
  scan,
  signature,
}
