/** Prints the addresses, and some things to try. */
export function introduce({ port, endpoint, database, cities, seconds }) {
  const url = `http://localhost:${port}`
  const near = `${url}/cities/near?lat=48.85&lng=2.35`
  return `
  pgstash demonstration, ready after ${seconds} s

  worker     ${url}  (workerd, through wrangler)
  endpoint   ${endpoint}  (speaks Neon’s HTTP protocol)
  database   ${database}, ${cities.toLocaleString('en')} cities

  Look at it:       open ${url}
  A miss, a hit:    curl -i '${near}'   # twice; see Cache-Status and Age
  Not modified:     curl -i '${near}' -H 'If-None-Match: <the ETag>'
  A country:        curl '${url}/cities/countries/FR'
  Change a city:    curl -X PATCH '${url}/cities/2988507' -d '{"population":2200000}'
  The cron trigger: curl '${url}/__scheduled?cron=0+*+*+*+*'

  Ctrl-C ends everything.
`
}
