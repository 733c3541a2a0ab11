export interface Finding {
  readonly line: number
  readonly rule: string
  readonly sentence: string
}

export function checkFile(path: string, text: string): { readonly findings: readonly Finding[]; readonly lines: number }
