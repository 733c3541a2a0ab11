/** Sunrise and sunset by the formulas of NOAA's solar calculator (Meeus, Astronomical Algorithms). */

const MINUTES_PER_DAY = 1440
const MS_PER_DAY = 86_400_000
/** The sun's centre stands this far below the horizon at sunrise, because of refraction and the sun's radius. */
const ZENITH_DEGREES = 90.833
/** The Julian day of 2000-01-01 12:00 UTC. */
const JULIAN_DAY_2000 = 2_451_545
const JULIAN_DAY_1970 = 2_440_587.5

export interface DayOfSun {
  /** Minutes after midnight UTC, possibly below 0 or above 1,440. Null if the sun does not rise or set. */
  rise: number | null
  set: number | null
  /** Minutes of daylight. */
  light: number
}

const radians = (degrees: number) => (degrees * Math.PI) / 180
const degrees = (angle: number) => (angle * 180) / Math.PI
const sine = (angle: number) => Math.sin(radians(angle))
const cosine = (angle: number) => Math.cos(radians(angle))

/** Every day of a year at a place. */
export function yearOfSun(lat: number, lng: number, year: number): DayOfSun[] {
  const first = Date.UTC(year, 0, 1)
  const days = Math.round((Date.UTC(year + 1, 0, 1) - first) / MS_PER_DAY)
  return Array.from({ length: days }, (_, day) => dayOfSun(lat, lng, first + day * MS_PER_DAY))
}

function dayOfSun(lat: number, lng: number, midnight: number): DayOfSun {
  // The position of the sun at noon of the place.
  const noonGuess = midnight / MS_PER_DAY + 0.5 - lng / 360
  const { declination, equationOfTime } = sunAt(noonGuess + JULIAN_DAY_1970)
  const noon = MINUTES_PER_DAY / 2 - 4 * lng - equationOfTime
  const height = cosine(ZENITH_DEGREES) / (cosine(lat) * cosine(declination)) - tangents(lat, declination)
  if (height > 1) return { rise: null, set: null, light: 0 }
  if (height < -1) return { rise: null, set: null, light: MINUTES_PER_DAY }
  const half = 4 * degrees(Math.acos(height))
  return { rise: Math.round(noon - half), set: Math.round(noon + half), light: Math.round(2 * half) }
}

function tangents(lat: number, declination: number): number {
  return Math.tan(radians(lat)) * Math.tan(radians(declination))
}

/** Declination in degrees, equation of time in minutes. */
function sunAt(julianDay: number): { declination: number; equationOfTime: number } {
  const t = (julianDay - JULIAN_DAY_2000) / 36_525
  const longitude = (280.46646 + t * (36_000.76983 + t * 0.0003032)) % 360
  const anomaly = 357.52911 + t * (35_999.05029 - 0.0001537 * t)
  const eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
  const centre =
    sine(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t)) +
    sine(2 * anomaly) * (0.019993 - 0.000101 * t) +
    sine(3 * anomaly) * 0.000289
  const node = 125.04 - 1934.136 * t
  const apparent = longitude + centre - 0.00569 - 0.00478 * sine(node)
  const obliquity = 23.439291 - t * (0.013004 + t * 0.00000016) + 0.00256 * cosine(node)
  const y = Math.tan(radians(obliquity / 2)) ** 2
  const equation =
    y * sine(2 * longitude) -
    2 * eccentricity * sine(anomaly) +
    4 * eccentricity * y * sine(anomaly) * cosine(2 * longitude) -
    0.5 * y * y * sine(4 * longitude) -
    1.25 * eccentricity ** 2 * sine(2 * anomaly)
  return {
    declination: degrees(Math.asin(sine(obliquity) * sine(apparent))),
    equationOfTime: 4 * degrees(equation),
  }
}
