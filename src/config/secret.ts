import { readFileSync } from 'node:fs'
import { z } from 'zod'

/**
 * Lets a secret come from a file: of the keys `<name>` and `<name>_file`, which the section declares both, at most one
 * is given, and afterwards `<name>` holds the secret. Keeps it out of the configuration that people mail around.
 */
export function withSecretFile<Name extends string, Section extends z.ZodObject>(name: Name, section: Section) {
  type Out = z.output<Section>
  return section.transform((value: Out, ctx): Out => {
    const fileKey = `${name}_file`
    const file: unknown = value[fileKey]
    if (typeof file !== 'string') return value
    if (value[name] !== undefined) {
      ctx.addIssue({ code: 'custom', path: [fileKey], message: `is given beside ${name}: keep one of the two` })
      return z.NEVER
    }
    try {
      return { ...value, [name]: readFileSync(file, 'utf8').trim() }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      ctx.addIssue({ code: 'custom', path: [fileKey], message: `cannot be read: ${reason}` })
      return z.NEVER
    }
  })
}
