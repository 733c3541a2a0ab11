/** The type of bytes in a buffer of their own. `Uint8Array` is generic since TypeScript 5.7 only, and 5.4 can use this name too. */
export type Bytes = ReturnType<typeof Uint8Array.from>
