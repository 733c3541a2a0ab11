import type { Child } from 'hono/jsx'
import { TOKEN_FIELD } from '../csrf.ts'

interface ActionFormProps {
  readonly token: string
  readonly action: 'clean' | 'delete' | 'expire' | 'remove' | 'touch'
  /** Hidden fields to send. */
  readonly fields?: Readonly<Record<string, string>>
  readonly children?: Child
}

/** A form that changes something. It is always a POST, and carries the token of this browser. */
export const ActionForm = ({ token, action, fields = {}, children }: ActionFormProps) => (
  <form method="post" action={`./${action}`}>
    {Object.entries({ ...fields, [TOKEN_FIELD]: token }).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
  </form>
)
