/** The only file that imports the hash library: SHA-256, synchronous and the same on every runtime. */
export { sha256 } from '@noble/hashes/sha2.js'
export { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
