import { ask } from '../lib/origin.js'

export default defineEventHandler(() => ask('/ruled'))
