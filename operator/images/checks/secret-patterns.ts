/** A kind of credential that is known by its form. */
export type SecretPattern = {
  /** For a message, with its article. */
  what: string
  /** Global, and linear in the length of the text: no repetition within a repetition, and bounded ones where two could meet. */
  pattern: RegExp
  /** The form alone does not prove it: an example, a placeholder or a throw-away password may look the same. */
  doubtful?: true
}

/**
 * Forms of credentials. The prefixes were made for being found:
 * https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids,
 * https://docs.gitlab.com/security/tokens/#token-prefixes, https://api.slack.com/authentication/token-types.
 */
export const SECRET_PATTERNS: readonly SecretPattern[] = [
  // AWS's own documentation writes AKIAIOSFODNN7EXAMPLE.
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}\b/g },
  {
    what: 'an AWS secret key',
    pattern: /\baws_secret_access_key["']?\s{0,4}[=:]\s{0,4}["']?(?![A-Za-z0-9/+]{30}EXAMPLEKEY)[A-Za-z0-9/+]{40}\b/gi,
  },
  { what: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{40,251})\b/g },
  { what: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|ptt|cbt|oas)-[A-Za-z0-9_-]{20,300}/g },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,250}/g },
  {
    what: 'a Slack webhook',
    pattern: /\bhooks\.slack\.com\/services\/T[A-Z0-9]{8,12}\/B[A-Z0-9]{8,12}\/[A-Za-z0-9]{20,30}/g,
  },
  { what: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{34,50}\b/g },
  { what: 'an Anthropic key', pattern: /\bsk-ant-[A-Za-z0-9_-]{20,200}/g },
  {
    what: 'an OpenAI key',
    pattern: /\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,250}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})/g,
  },
  { what: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: 'a PyPI token', pattern: /\bpypi-AgE[A-Za-z0-9_-]{50,300}/g },
  { what: 'a Docker Hub token', pattern: /\bdckr_pat_[A-Za-z0-9_-]{27,64}/g },
  {
    what: 'a Weights & Biases key',
    pattern: /\bwandb_api_key["']?\s{0,4}[=:]\s{0,4}["']?[a-f0-9]{40}\b/gi,
  },
  { what: 'a private key', pattern: /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g },
  {
    what: 'a password in a URL',
    // Not ${PASSWORD}, which the shell of the build filled in, nor what was made unreadable already.
    pattern: /:\/\/[^\s:@/"'$]{1,100}:(?![*x]{3,20}@|\$|<)[^\s:@/"']{3,200}@/g,
    doubtful: true,
  },
]

/** Names that are given to secrets, and not to what only leads to one. */
const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|PRIVATE_KEY|TOKEN)$/i
/** Not a path, a variable or a word such as required: long enough, and of more than letters. */
const SECRET_VALUE = /^(?=.*[^A-Za-z])[^\s/$<{][^\s/]{7,}$/

/** Whether a variable holds a secret by its name; nobody can tell what it is. */
export function soundsSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) && SECRET_VALUE.test(value.slice(0, 1024))
}

/** The text without credentials of a known form. */
export function redacted(text: string): string {
  return SECRET_PATTERNS.reduce((safe, { pattern }) => safe.replace(pattern, '[redacted]'), text)
}
