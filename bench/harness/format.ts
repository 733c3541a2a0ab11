/** Figures as text, for the terminal and for docs/benchmarks.md. */
import type { Cell, Figure, Spread } from './question.ts'

export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: 0 })
}

const UNITS: Record<Figure['unit'], [before: string, after: string]> = {
  'calls per second': ['', '/s'],
  milliseconds: ['', ' ms'],
  nanoseconds: ['', ' ns'],
  bytes: ['', ' B'],
  megabytes: ['', ' MB'],
  times: ['×', ''],
  percent: ['', ' %'],
  count: ['', ''],
}

export function withUnit(value: number, unit: Figure['unit']): string {
  const [before, after] = UNITS[unit]
  return `${before}${numberText(value)}${after}`
}

export function quartiles({ q1, q3, rounds }: Spread): string {
  return rounds > 1 ? `${numberText(q1)}–${numberText(q3)}` : ''
}

export function providersOf(figure: Figure): string[] {
  return [...new Set(figure.cases.flatMap(({ cells }) => cells.map(({ provider }) => provider)))]
}

export function findCell(figure: Figure, caseName: string, provider: string): Cell | undefined {
  const found = figure.cases.find(({ name }) => name === caseName)
  return found?.cells.find((cell) => cell.provider === provider)
}

/** A figure for the terminal. */
export function printFigure(figure: Figure): string {
  const lines = [`\n  ${figure.title}`]
  for (const { name, cells } of figure.cases) {
    if (figure.cases.length > 1 || name !== '') lines.push(`    ${name}`)
    const goal = figure.goals?.[name]
    for (const cell of cells) {
      const ratio = cell.ratio ? `  ×${numberText(cell.ratio.median)}` : ''
      const bound = goal === undefined ? '' : `  goal ${figure.better === 'lower' ? '≤' : '≥'} ${numberText(goal)}`
      const value = withUnit(cell.median, figure.unit).padStart(14)
      lines.push(`      ${cell.provider.padEnd(34)}${value}  ${quartiles(cell).padEnd(18)}${ratio}${bound}`)
    }
  }
  for (const [name, why] of Object.entries(figure.absent ?? {})) lines.push(`      ${name}: absent, ${why}`)
  return lines.join('\n')
}
