/** Keeps a file as it is uploaded, and answers with it. */
export default defineEventHandler(async (event) => {
  const files = useStorage('data')
  if (event.method === 'PUT') return files.setItemRaw('files:one', await readRawBody(event, false))
  setHeader(event, 'content-type', 'application/octet-stream')
  return Buffer.from(await files.getItemRaw('files:one'))
})
