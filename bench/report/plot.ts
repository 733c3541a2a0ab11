/** Plots of figures as SVG: a point for each median, a line between its quartiles. */
import * as echarts from 'echarts'
import { numberText, providersOf } from '../harness/format.ts'
import type { Figure } from '../harness/question.ts'

const WIDTH = 820
const ROW_PX = 15
const FRAME_PX = 96
/** Okabe and Ito's colours, which colour-blind readers can tell apart, and two greys. */
const COLOURS = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8a8a8a', '#b8b032']
const SYMBOLS = ['diamond', 'circle', 'rect', 'triangle'] as const
const LABEL_PX = 190

type Point = [middle: number, row: number, low: number, high: number]

/** Undefined if there is nothing to compare: one point says no more than its table. */
export function plot(figure: Figure): string | undefined {
  const providers = providersOf(figure)
  const values = figure.cases.flatMap(({ cells }) => cells.map(({ median }) => median))
  if (values.length < 2 || values.some((value) => !(value > 0))) return undefined
  const { cases } = figure
  const height = FRAME_PX + 24 + cases.length * Math.max(30, providers.length * ROW_PX)
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  const text = { fontFamily: 'sans-serif', color: '#222222', fontSize: 12 }
  // All cells of a case lie within one unit of the axis.
  const rowOf = (index: number, provider: number) => index + ((provider + 0.5) / providers.length - 0.5) * 0.8
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: text,
    title: { text: `${figure.title} (${axisName(figure)})`, left: 8, top: 6, textStyle: { ...text, fontSize: 13 } },
    legend: { bottom: 4, left: 8, right: 8, itemWidth: 10, itemHeight: 10, itemGap: 26, textStyle: text },
    grid: { left: LABEL_PX + 16, right: 28, top: 34, bottom: 62 },
    xAxis: {
      type: 'log',
      axisLine: { onZero: false },
      axisLabel: { ...text, formatter: numberText, hideOverlap: true },
      splitLine: { lineStyle: { color: '#e4e4e4' } },
    },
    yAxis: {
      type: 'value',
      inverse: true,
      min: -0.5,
      max: cases.length - 0.5,
      interval: 0.5,
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        ...text,
        width: LABEL_PX,
        overflow: 'break',
        formatter: (value: number) => (Number.isInteger(value) ? (cases[value]?.name ?? '') : ''),
      },
    },
    series: providers.flatMap((provider, column) => {
      const points = cases.flatMap(({ cells }, index): Point[] => {
        const cell = cells.find((candidate) => candidate.provider === provider)
        return cell ? [[cell.median, rowOf(index, column), cell.q1, cell.q3]] : []
      })
      const color = COLOURS[column % COLOURS.length]
      const symbol = SYMBOLS[Math.floor(column / COLOURS.length) % SYMBOLS.length]
      return [
        {
          ...{ name: provider, type: 'scatter', symbol, symbolSize: 8, data: points, itemStyle: { color } },
          ...(column === 0 && { markArea: bands(cases.length) }),
        },
        whiskers(provider, points, color),
      ]
    }),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}

/** Every other case on a tinted ground. */
function bands(cases: number) {
  const odd = Array.from({ length: cases }, (_, index) => index).filter((index) => index % 2 === 1)
  const data = odd.map((index) => [{ yAxis: index - 0.5 }, { yAxis: index + 0.5 }])
  return { silent: true, itemStyle: { color: '#f3f3f3' }, data }
}

function whiskers(name: string, data: Point[], color: string | undefined) {
  return {
    name,
    type: 'custom',
    data,
    encode: { x: [0, 2, 3], y: 1 },
    renderItem(_params: unknown, api: { value(index: number): number; coord(point: number[]): number[] }) {
      const [x1, y1] = api.coord([api.value(2), api.value(1)])
      const [x2, y2] = api.coord([api.value(3), api.value(1)])
      return { type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: color, lineWidth: 2 } }
    },
  }
}

function axisName({ unit, better }: Figure): string {
  return `${unit}, ${better} is better, logarithmic`
}
