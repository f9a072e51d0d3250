import assert from 'node:assert/strict'
import { z } from 'zod'
import { AppError } from '../../../src/domain/errors.ts'
import { validate } from '../../../src/http/api/validate.ts'

describe('what is said of a request that is off', () => {
  const schema = z.strictObject({
    text: z.string().max(3),
    few: z.array(z.string()).min(1),
    kind: z.enum(['a', 'b']),
    on: z.boolean(),
    count: z.int().min(2),
    part: z.object({}),
    missing: z.string(),
  })
  const faults = (input: object): Record<string, string> => {
    try {
      validate(schema, input)
    } catch (error) {
      assert.ok(error instanceof AppError)
      return Object.fromEntries((error.errors ?? []).map(({ path, message }) => [path, message]))
    }
    return assert.fail('It was taken.')
  }

  it('is in plain words, for every field at once', () => {
    assert.deepEqual(faults({ text: 'long', few: [], kind: 'c', on: 'yes', count: 1, part: 7, more: 1 }), {
      text: 'It has at most 3 characters.',
      few: 'It holds at least 1.',
      kind: 'It must be one of a, b.',
      on: 'It must be true or false.',
      count: 'It must be at least 2.',
      part: 'It must be an object.',
      missing: 'It is required.',
      more: 'This field is not known.',
    })
    const second = faults({ text: 7, few: 7, kind: 'a', on: true, count: 'x', part: {}, missing: '' })
    assert.deepEqual(second, {
      text: 'It must be text.',
      few: 'It must be a list.',
      count: 'It must be a number.',
    })
  })
})
