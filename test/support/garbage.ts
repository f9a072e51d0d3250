import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** For what must not depend on who still holds it. */
export const collectGarbage = runInNewContext('gc') as () => void
