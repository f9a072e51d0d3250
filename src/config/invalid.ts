import { AppError } from '../domain/errors.ts'

/** One sentence that names the place, as `accounts[0].partnerId: It is required.` */
export function invalidConfiguration(path: string, sentence: string, cause?: unknown): AppError {
  return new AppError('invalid-configuration', {
    detail: `${path}: ${sentence}`,
    errors: [{ path, code: 'invalid', message: sentence }],
    cause,
  })
}
