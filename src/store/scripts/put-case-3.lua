--[[
  Writes a case as it was decided, if it is still the one that was decided on, and lets go of the resolved ones that are too
  many. A place begins with the time of the last change in digits of one length, so the indexes need no other order.

  KEYS[1] the account's cases (hash, by id)   KEYS[2], KEYS[3] its open and its resolved ones (sorted sets of one score)

  ARGV[1] the id   ARGV[2] the record as it was read, or '' where there was none   ARGV[3] the new one
  ARGV[4] the place where it stood, or ''   ARGV[5] its new place, `<time>.<id>`   ARGV[6] 'open' or 'resolved'
  ARGV[7] how many resolved ones are kept   ARGV[8] the length of a time and its dot

  Returns 1 written, 0 it has changed meanwhile: read and decide again.
]]
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 0
end

redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[4])
  redis.call('ZREM', KEYS[3], ARGV[4])
end
redis.call('ZADD', ARGV[6] == 'open' and KEYS[2] or KEYS[3], 0, ARGV[5])

local surplus = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[7])
if surplus > 0 then
  for _, place in ipairs(redis.call('ZRANGE', KEYS[3], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[3], place)
    redis.call('HDEL', KEYS[1], string.sub(place, tonumber(ARGV[8]) + 1))
  end
end
return 1
