/** The API as the program has it, held to its document. */
import { type ApiAppDeps, createApiApp as create } from '../../src/http/api/app.ts'
import { documented } from './documented.ts'

export const createApiApp = (deps: ApiAppDeps) => documented(create(deps))
