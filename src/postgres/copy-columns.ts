/** Columns that several statements answer with, as the store's port has them. */
import type { ChangeReader, Changes } from '../store/changes.ts'
import type { Row } from '../store/store.ts'

/** Selected for callers that keep a copy. */
export interface CopyColumns {
  /** Null if the entry never expires. */
  readonly remainingMs: number | null
  readonly tags: string[] | null
}

export function copyFields({ remainingMs, tags }: CopyColumns): Pick<Row, 'remainingMs' | 'tags'> {
  return { remainingMs: remainingMs ?? Number.POSITIVE_INFINITY, tags }
}

/** Passes on the changes that a statement returned beside its rows. */
export async function passChanges(
  reader: ChangeReader | undefined,
  changes: Changes | null | undefined,
): Promise<void> {
  if (reader !== undefined && changes != null) await reader.receive(changes)
}
