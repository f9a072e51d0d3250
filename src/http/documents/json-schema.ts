/**
 * From the schemas that validate to JSON Schema. Those that have a name stand under it once, and are referred to; all others
 * stand where they are used.
 */
import { z } from 'zod'
import { whatIsTaken } from '../api/operation.ts'

export type Json = Record<string, unknown>

/** What is asked of a caller is described as it comes in; what we say as it goes out. */
export type Direction = 'input' | 'output'

export interface SchemaRequest {
  /** By the name under which they are referred to. */
  named: Readonly<Record<string, z.ZodType>>
  direction: Direction
  target: 'draft-2020-12' | 'draft-7'
  /**
   * Nothing but what is described may be said. Only our tests hold us to that: whoever reads our answers has to bear a field that
   * is new.
   */
  closed?: boolean
}

export interface Described {
  named: Record<string, Json>
  of(schema: z.ZodType): Json
}

const place = '#/components/schemas/'

/** `unnamed`: whatever `of` will be asked for. */
export function describeSchemas(
  { named, direction, target, closed = false }: SchemaRequest,
  unnamed: readonly z.ZodType[],
): Described {
  const mayClose = direction === 'input' || closed
  const ids = new Map<object, string>(Object.entries(named).map(([name, schema]) => [schema, name]))
  const add = (schema: z.ZodType) => {
    if (!ids.has(schema)) ids.set(schema, `~${ids.size}`)
  }
  unnamed.forEach(add)
  const schemas = convertAll()

  /** Again as long as what a looser schema stands for brings in others. */
  function convertAll(): Record<string, Json> {
    const before = ids.size
    const registry = z.registry<{ id: string }>()
    for (const [schema, id] of ids) registry.add(schema as z.ZodType, { id })
    const made = z.toJSONSchema(registry, {
      io: direction,
      target,
      uri: (id) => place + id,
      override: ({ zodSchema, jsonSchema }) => {
        const as = whatIsTaken(zodSchema)
        if (!as) return
        add(as)
        for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Json)[key]
        jsonSchema.$ref = `${place}${ids.get(as)}`
      },
    })
    return ids.size > before ? convertAll() : (made.schemas as Record<string, Json>)
  }

  function finish(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(finish)
    if (typeof value !== 'object' || value === null) return value
    const { $schema: _, $id: __, $ref, ...rest } = value as Json
    const whole = tidy(Object.fromEntries(Object.entries(rest).map(([key, part]) => [key, finish(part)])))
    if (typeof $ref !== 'string') return whole
    const id = $ref.slice(place.length)
    return id.startsWith('~') ? { ...(finish(schemas[id]) as Json), ...whole } : { $ref, ...whole }
  }

  function tidy(schema: Json): Json {
    const { additionalProperties, propertyNames, pattern, ...rest } = withoutLimitsOfNumbers(schema)
    const keys = (propertyNames as { enum?: string[] } | undefined)?.enum
    if (keys) {
      const properties = Object.fromEntries(keys.map((key) => [key, additionalProperties]))
      return { ...rest, properties, ...(closed && { additionalProperties: false }) }
    }
    const isOpen = additionalProperties === undefined || (additionalProperties === false && !mayClose)
    return {
      ...rest,
      ...(propertyNames !== undefined && { propertyNames }),
      // A number in a query is text to us, and a number to whoever writes it.
      ...(pattern !== undefined && rest.type !== 'integer' && { pattern }),
      ...(!isOpen && { additionalProperties }),
    }
  }

  return {
    named: Object.fromEntries(Object.keys(named).map((name) => [name, finish(schemas[name]) as Json])),
    of: (schema) => finish({ $ref: place + ids.get(schema) }) as Json,
  }
}

/** A whole number is one that JavaScript can hold: that says nothing about what it counts. */
function withoutLimitsOfNumbers({ minimum, maximum, ...rest }: Json): Json {
  return {
    ...rest,
    ...(minimum !== undefined && minimum !== Number.MIN_SAFE_INTEGER && { minimum }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { maximum }),
  }
}
