/** Converts columns that several statements return into the form of the store's port. */
import type { ChangeReader, Changes } from '../store/changes.ts'
import type { Row } from '../store/store.ts'

/** The columns that statements select for callers that keep a copy. */
export interface CopyColumns {
  /** Null if the entry never expires. */
  readonly remainingMs: number | null
  readonly tags: string[] | null
}

export function copyFields({ remainingMs, tags }: CopyColumns): Pick<Row, 'remainingMs' | 'tags'> {
  return { remainingMs: remainingMs ?? Number.POSITIVE_INFINITY, tags }
}

/** Gives the reader the changes that a statement returned along with its rows. */
export async function passChanges(
  reader: ChangeReader | undefined,
  changes: Changes | null | undefined,
): Promise<void> {
  if (reader !== undefined && changes != null) await reader.receive(changes)
}
