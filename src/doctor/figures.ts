/** Figures in findings. */
const NUMBER = new Intl.NumberFormat('en')

export function counted(value: number, one: string, many = `${one}s`): string {
  return `${NUMBER.format(value)} ${value === 1 ? one : many}`
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** A span in its largest unit: `3 days`, `5 hours`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return counted(seconds, 'second')
  if (seconds < 7_200) return counted(Math.round(seconds / 60), 'minute')
  if (seconds < 172_800) return counted(Math.round(seconds / 3_600), 'hour')
  return counted(Math.round(seconds / 86_400), 'day')
}

export function megabytes(bytes: number): string {
  return `${NUMBER.format(Math.round(bytes / 1024 / 102.4) / 10)} MB`
}
