/** Values of the incremental cache, as Next passes them. */

export const KEY = '/route-cache/APP_PAGE/0123456789abcdef/$/blog/post'
export const TAGS = '_N_T_/layout,_N_T_/blog/layout,_N_T_/blog/post,posts'
export const PAGE = {
  kind: 'APP_PAGE',
  html: '<p>é\u0000</p>',
  rscData: Buffer.from([0, 255, 254, 10]),
  postponed: undefined,
  headers: { 'x-next-cache-tags': TAGS, vary: ['a', 'b'] },
  status: 200,
  segmentData: new Map([
    ['/_tree', Buffer.from([1, 2])],
    ['/_full', Buffer.from([])],
  ]),
}
export const ROUTE = {
  kind: 'APP_ROUTE',
  body: Buffer.from([0xff, 0, 1]),
  headers: { 'x-next-cache-tags': TAGS },
  status: 201,
}
export const PAGES = { kind: 'PAGES', html: '<b>', pageData: { pageProps: { a: [1, null] } }, headers: {}, status: 200 }
export const REDIRECT = { kind: 'REDIRECT', props: { __N_REDIRECT: '/' } }
export const IMAGE = {
  kind: 'IMAGE',
  etag: 'e',
  upstreamEtag: 'u',
  buffer: Buffer.from([9, 8]),
  extension: 'webp',
  revalidate: 60,
}
export const FETCH = {
  kind: 'FETCH',
  data: { headers: { a: 'b' }, body: '"\ud800"', url: 'https://example.com', status: 200 },
  tags: ['posts'],
  revalidate: 60,
}
export const CONTROL = { cacheControl: { revalidate: 60, expire: 3_600 } }
